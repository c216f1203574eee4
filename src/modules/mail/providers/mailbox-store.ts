import { mkdir, open, readFile, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readHeaders } from '../domain/eml-reader.js';
import { UNDATED, isMailboxId, mailboxFolder } from '../domain/mailbox-path.js';

export interface MailboxEntry {
  id: string;
  from: string;
  to: string;
  subject: string;
  date: string;
}

const HEAD_BYTES = 4096;
const READ_AT_ONCE = 32;
/** A search reads the heads of at most this many files per call and then hands out a cursor. */
const SCAN_LIMIT = 5_000;
const DAY = /^\d{4}-\d\d-\d\d$/;
const SHARD = /^[0-9a-f]{2}$/;

/** Captured messages as `.eml` files: `mailbox/<yyyy-mm-dd>/<xx>/<email id>.eml`. Any number of processes may write and read at once. */
export class MailboxStore {
  private readonly root: string;
  private readonly known = new Set<string>();

  constructor(dataDir: string) {
    this.root = join(dataDir, 'mailbox');
  }

  /**
   * Writes or replaces the message of this id: a reader sees the old file or the new one, never half of one. Not flushed to the disk: it outlives
   * a crash of the process, not a loss of power.
   */
  async write(id: string, raw: Buffer): Promise<void> {
    const folder = this.folderOf(id);
    const temporary = join(folder, `.${id}.${process.pid}.tmp`);
    try {
      await this.writeInto(folder, temporary, raw);
      await rename(temporary, join(folder, `${id}.eml`));
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
  }

  /** The message, or null. */
  async find(id: string): Promise<Buffer | null> {
    if (!isMailboxId(id)) return null;
    return readFile(join(this.folderOf(id), `${id}.eml`)).catch(nullIfMissing);
  }

  /**
   * Newest first (by the time in the id), after `after`. With `to`, only messages whose recipient contains that text in any case; a page may then
   * hold fewer than `limit` although `nextAfter` is set.
   */
  async list(query: { limit: number; after?: string; to?: string }): Promise<{ entries: MailboxEntry[]; nextAfter: string | null }> {
    const wanted = query.to?.toLowerCase();
    const entries: MailboxEntry[] = [];
    let scanned = 0;
    let last: string | undefined;
    for await (const ids of this.batches(query.after, wanted === undefined ? query.limit + 1 : READ_AT_ONCE)) {
      const read = await Promise.all(ids.map((id) => this.entry(id)));
      for (const entry of read) {
        if (entry === null || (wanted !== undefined && !entry.to.toLowerCase().includes(wanted))) continue;
        if (entries.length === query.limit) return { entries, nextAfter: entries[entries.length - 1].id };
        entries.push(entry);
      }
      last = ids[ids.length - 1];
      scanned += ids.length;
      if (wanted !== undefined && scanned >= SCAN_LIMIT) return { entries, nextAfter: last };
    }
    return { entries, nextAfter: null };
  }

  private async writeInto(folder: string, file: string, raw: Buffer): Promise<void> {
    if (!this.known.has(folder)) await mkdir(folder, { recursive: true });
    this.known.add(folder);
    try {
      await writeFile(file, raw);
    } catch (error) {
      // Somebody emptied the mailbox while this process was running.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await mkdir(folder, { recursive: true });
      await writeFile(file, raw);
    }
  }

  /** Ids after `after`, newest first, in groups of `size`; one day is listed at a time. */
  private async *batches(after: string | undefined, size: number): AsyncGenerator<string[]> {
    for (const day of await this.days()) {
      const from = after === undefined ? null : mailboxFolder(after);
      if (from !== null && rank(day) > rank(from.day)) continue;
      let ids = await this.idsOf(day);
      if (from !== null && day === from.day) ids = ids.filter((id) => id < after!);
      for (let at = 0; at < ids.length; at += size) yield ids.slice(at, at + size);
    }
  }

  private async days(): Promise<string[]> {
    const names = (await readdir(this.root).catch(nullIfMissing)) ?? [];
    return names.filter((name) => DAY.test(name) || name === UNDATED).sort((a, b) => (rank(a) < rank(b) ? 1 : -1));
  }

  private async idsOf(day: string): Promise<string[]> {
    const shards = ((await readdir(join(this.root, day)).catch(nullIfMissing)) ?? []).filter((name) => SHARD.test(name));
    const files = await Promise.all(shards.map((shard) => readdir(join(this.root, day, shard)).catch(nullIfMissing)));
    return files
      .flatMap((names) => names ?? [])
      .filter((name) => name.endsWith('.eml') && isMailboxId(name.slice(0, -4)))
      .map((name) => name.slice(0, -4))
      .sort((a, b) => (a < b ? 1 : -1));
  }

  private async entry(id: string): Promise<MailboxEntry | null> {
    const file = await open(join(this.folderOf(id), `${id}.eml`)).catch(nullIfMissing);
    if (file === null) return null;
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const headers = readHeaders(buffer.toString('utf8', 0, bytesRead).split('\r\n\r\n', 1)[0]);
      const value = (name: string): string => headers.find(([n]) => n.toLowerCase() === name)?.[1] ?? '';
      return { id, from: value('from'), to: value('to'), subject: value('subject'), date: value('date') };
    } finally {
      await file.close();
    }
  }

  private folderOf(id: string): string {
    const { day, shard } = mailboxFolder(id);
    return join(this.root, day, shard);
  }
}

/** Days in order; what has no date comes last in a newest-first list. */
function rank(day: string): string {
  return day === UNDATED ? '' : day;
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
