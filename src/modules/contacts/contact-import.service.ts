import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { BodyTooLargeError } from '../../http/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { ContactImportQueries } from './contact-import.queries.js';
import { ImportFaultError, ImportInterruptedError, ImportTooLargeError } from './contacts.errors.js';
import { MAX_ATTRIBUTES } from './domain/attributes.js';
import { ImportBatch, type PackedRow } from './domain/import-batch.js';
import type { ImportRow } from './domain/import-row.js';
import { csvRecords, ndjsonRecords, UnreadableImport } from './import-source.js';

export interface ImportReport {
  created: number;
  updated: number;
  unchanged: number;
  rejected: number;
  /** The first 1,000 rejected rows. */
  errors: { row: number; message: string }[];
}

export type ImportFormat = 'csv' | 'ndjson';

/**
 * Two batches of 1,000 under way import as fast as larger ones, and their rows die young: with 5,000, each lived long enough to become old
 * garbage, and the process grew by 150 MB instead of 30 during 200,000 rows.
 */
const BATCH_ROWS = 1_000;
/** A batch is also cut by its size, so that a file of large cells needs no more memory than one of small ones. */
const BATCH_LENGTH = 4_000_000;
const MAX_UNDERWAY = 2;
/** After how many new contacts to see whether the planner has noticed. */
const TENFOLDS = [1_000, 10_000, 100_000, 1_000_000];
const MAX_ERRORS = 1_000;

/**
 * Imports a file of contacts as it arrives: while the database writes two batches, the next is read, and no more than three are in memory. Each
 * batch is a transaction of its own, so a file that turns out to be broken leaves batches before the fault imported; the error says how
 * many rows. Importing the same file again is safe: rows that say nothing new are `unchanged` and not written.
 */
@Injectable()
export class ContactImportService {
  constructor(
    private readonly db: Database,
    private readonly queries: ContactImportQueries,
    private readonly audit: AuditService,
  ) {}

  async import(ctx: TenantContext, format: ImportFormat, body: Readable): Promise<ImportReport> {
    const report: ImportReport = { created: 0, updated: 0, unchanged: 0, rejected: 0, errors: [] };
    const writer = new BatchWriter((batch) => this.write(ctx.tenantId, batch, report));
    try {
      for await (const records of format === 'csv' ? csvRecords(body) : ndjsonRecords(body)) {
        for (const { line, row } of records) {
          if (typeof row === 'string') reject(report, line, row);
          else if (writer.add(line, row)) await writer.flush();
        }
      }
      await writer.finish();
    } catch (error) {
      await writer.settle();
      throw refusal(error, report);
    }
    report.errors.sort((a, b) => a.row - b.row);
    await this.record(ctx, report);
    return report;
  }

  private async record(ctx: TenantContext, { created, updated, unchanged, rejected }: ImportReport): Promise<void> {
    const after = { created, updated, unchanged, rejected };
    await this.db.inTenant(ctx.tenantId, (tx) =>
      this.audit.record(tx, ctx, { action: 'contacts.imported', entityType: 'contact', entityId: null, after }),
    );
  }

  private async write(tenantId: string, batch: ImportBatch, report: ImportReport): Promise<void> {
    const rows = batch.sorted();
    const outcome = await this.db.inTenant(tenantId, (tx) => this.upsert(tx, tenantId, rows));
    report.created += outcome.created;
    report.updated += outcome.updated + batch.repeatedUpdates;
    report.unchanged += rows.length - outcome.created - outcome.updated - outcome.overfull.length + batch.repeatedUnchanged;
    for (const line of outcome.overfull) reject(report, line, `the contact would have more than ${MAX_ATTRIBUTES} attributes`);
    const isTenfold = TENFOLDS.some((count) => report.created >= count && report.created - outcome.created < count);
    if (isTenfold) await this.refreshStatistics(tenantId, report.created);
  }

  /**
   * In a fresh database, PostgreSQL checks the foreign key of each tag by reading all contacts of the tenant, until it has looked how many there
   * are. Its own daemon would look within a minute; a large import cannot wait for that.
   */
  private async refreshStatistics(tenantId: string, created: number): Promise<void> {
    await this.db.inTenant(tenantId, async (tx) => {
      if ((await this.queries.believedContacts(tx)) < created) await this.queries.analyze(tx);
    });
  }

  private async upsert(tx: Tx, tenantId: string, rows: PackedRow[]) {
    const hasTags = rows.some((row) => row.isTagged);
    await this.queries.forbidScans(tx);
    const { created, updated, overfull, unchanged } = await this.queries.upsert(tx, tenantId, rows, hasTags);
    if (!hasTags) return { created, updated, overfull };
    const refused = new Set(overfull);
    const same = new Set(unchanged);
    const gained = await this.queries.addTags(
      tx,
      tenantId,
      rows.filter(({ line, isTagged }) => isTagged && !refused.has(line)),
    );
    return { created, updated: updated + gained.filter((line) => same.has(line)).length, overfull };
  }
}

/**
 * Collects rows into batches and has up to two of them on their way to the database, which writes two at once in little more time than one.
 * Batches with an address in common go one after the other, so that the later row stays the later one.
 */
class BatchWriter {
  private batch = new ImportBatch();
  private readonly underway = new Map<ImportBatch, Promise<void>>();

  constructor(private readonly write: (batch: ImportBatch) => Promise<void>) {}

  /** True when the batch is full and `flush` is due. */
  add(line: number, row: ImportRow): boolean {
    this.batch.add(line, row);
    return this.batch.size >= BATCH_ROWS || this.batch.length >= BATCH_LENGTH;
  }

  /** Starts to write what is collected, once there is room. Throws what an earlier write has thrown. */
  async flush(): Promise<void> {
    const { batch } = this;
    if (batch.size === 0) return;
    while (this.underway.size >= MAX_UNDERWAY) await Promise.race(this.underway.values());
    for (const [other, writing] of this.underway) if (batch.overlaps(other)) await writing;
    const writing = this.write(batch).then(() => void this.underway.delete(batch));
    // Awaited later; until then a failure is not an unhandled rejection. It stays under way, so that the next wait meets it.
    writing.catch(() => undefined);
    this.underway.set(batch, writing);
    this.batch = new ImportBatch();
  }

  async finish(): Promise<void> {
    await this.flush();
    await Promise.all(this.underway.values());
  }

  /** Waits for what is on its way, whatever becomes of it; what is only collected is dropped. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.underway.values());
  }
}

function reject(report: ImportReport, row: number, message: string): void {
  report.rejected++;
  if (report.errors.length < MAX_ERRORS) report.errors.push({ row, message });
}

function refusal(error: unknown, report: ImportReport): Error {
  const { created, updated, unchanged, rejected } = report;
  const imported = { created, updated, unchanged, rejected };
  if (error instanceof UnreadableImport) return new ImportFaultError(error.line, error.message, imported);
  if (error instanceof BodyTooLargeError) return new ImportTooLargeError(error.message, imported);
  return new ImportInterruptedError(imported, error);
}
