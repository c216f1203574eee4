import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { decodeIdCursor, encodeCursor } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { readCapturedMail, type CapturedMail } from './domain/eml-reader.js';
import { findLinks, oneClickUrl } from './domain/mail-links.js';
import type { MailboxQuery } from './dto/mailbox-query.dto.js';
import { MailboxMessageNotFoundError } from './mail.errors.js';
import { listPage, messageDocument, messagePage } from './mailbox.page.js';
import { MailboxStore, type MailboxEntry } from './providers/mailbox-store.js';

/** A captured message with everything a recipient could do with it: what the demo opens, clicks and unsubscribes by. */
export interface MailboxItem {
  id: string;
  /** Addresses without display names. */
  from: string;
  to: string;
  subject: string;
  /** ISO 8601; null where the file says none. */
  date: string | null;
  links: string[];
  pixelUrl: string | null;
  unsubscribeUrl: string | null;
}

/** Reads the captured messages of the mailbox provider; with any other provider there is no mailbox and every call answers "not found". */
@Injectable()
export class MailboxService {
  private readonly store: MailboxStore;

  constructor(private readonly config: AppConfig) {
    this.store = new MailboxStore(config.dataDir);
  }

  async list(query: MailboxQuery): Promise<Page<MailboxItem>> {
    const { entries, next } = await this.entries(query);
    const data = await Promise.all(entries.map((entry) => this.item(entry)));
    return { data, nextCursor: next };
  }

  async listPage(query: MailboxQuery): Promise<string> {
    const { entries, next } = await this.entries(query);
    return listPage(entries, next, query.to);
  }

  async messagePage(id: string): Promise<string> {
    return messagePage(id, await this.get(id));
  }

  async messageDocument(id: string): Promise<string> {
    return messageDocument(await this.get(id));
  }

  private async entries(query: MailboxQuery): Promise<{ entries: MailboxEntry[]; next: string | null }> {
    this.assertInUse();
    const after = decodeIdCursor(query.cursor)?.toLowerCase();
    const { entries, nextAfter } = await this.store.list({ limit: query.limit, after, to: query.to });
    return { entries, next: nextAfter === null ? null : encodeCursor({ id: nextAfter }) };
  }

  private async item(entry: MailboxEntry): Promise<MailboxItem> {
    const mail = await this.get(entry.id);
    const unsubscribe = mail.headers.find(([name]) => name.toLowerCase() === 'list-unsubscribe')?.[1] ?? '';
    const sentAt = new Date(entry.date);
    return {
      id: entry.id,
      from: addressOf(entry.from),
      to: addressOf(entry.to),
      subject: entry.subject,
      date: Number.isNaN(sentAt.getTime()) ? null : sentAt.toISOString(),
      ...findLinks(mail.html),
      unsubscribeUrl: oneClickUrl(unsubscribe),
    };
  }

  private async get(id: string): Promise<CapturedMail> {
    this.assertInUse();
    const raw = await this.store.find(id);
    if (raw === null) throw new MailboxMessageNotFoundError();
    return readCapturedMail(raw);
  }

  private assertInUse(): void {
    if (this.config.mail.provider !== 'mailbox') throw new MailboxMessageNotFoundError();
  }
}

function addressOf(header: string): string {
  return /<([^<>]*)>$/.exec(header)?.[1] ?? header;
}
