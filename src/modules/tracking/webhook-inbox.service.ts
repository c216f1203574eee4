import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { readSendGridEvents, type ReadBatch } from './domain/sendgrid-events.js';
import { signatureFault, type SignedCall } from './domain/sendgrid-signature.js';
import { storeEvents, type EventStore } from './event-store.js';
import { WebhookAccounts } from './webhook-accounts.js';
import { WebhookInboxQueries, type WaitingBatch } from './webhook-inbox.queries.js';
import { WebhookMalformedError, WebhookNotConfiguredError, WebhookSignatureError, WebhookTooLargeError } from './webhook.errors.js';

export const MAX_EVENTS = 1_000;
const LATE_SECONDS = 600;
const KEPT_ERRORS = 50;
const KEPT_DAYS = 7;

/**
 * The provider's calls: stored as they come and answered, taken apart later. So a burst is as quick as its inserts, a crash loses nothing that
 * was answered, and what cannot be read is found out where nobody waits for it.
 */
@Injectable()
export class WebhookInbox {
  private readonly logger = new Logger('Webhooks');

  constructor(
    private readonly db: Database,
    private readonly accounts: WebhookAccounts,
    private readonly queries: WebhookInboxQueries,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Stores one call of SendGrid's Event Webhook and returns how many events it has. Once it returns, they are safe. Throws
   * `WebhookNotConfiguredError`, `WebhookSignatureError`, `WebhookMalformedError` (genuine, but no JSON array), `WebhookTooLargeError`.
   */
  async receive(accountKey: string | null, call: SignedCall): Promise<number> {
    const account = await this.accounts.find(accountKey);
    if (!account?.publicKey) {
      throw new WebhookNotConfiguredError(
        accountKey === null ? 'SENDGRID_WEBHOOK_PUBLIC_KEY is not set' : 'the address belongs to no account with a verification key',
      );
    }
    const now = this.clock.now();
    const fault = signatureFault(call, account.publicKey, now);
    if (fault) throw new WebhookSignatureError(fault);
    const { length } = parseBatch(call.body);
    const late = Math.round(now.getTime() / 1000 - Number(call.timestamp));
    if (late > LATE_SECONDS) this.logger.warn(`A webhook call came ${late} s after it was signed`);
    if (length > 0) {
      const batch = { id: this.ids.uuid(), provider: 'sendgrid', tenantId: account.tenantId, body: call.body, receivedAt: now };
      await this.db.asSystem((tx) => this.queries.insert(tx, batch));
    }
    return length;
  }

  /**
   * Takes the oldest stored call apart and hands its events to `store`, which writes them in the given transaction and returns how many were new.
   * False if there is no call. Any number of workers may do this at once.
   */
  async processNext(store: EventStore): Promise<boolean> {
    return this.db.asSystem(async (tx) => {
      const batch = await this.queries.claim(tx);
      if (!batch) return false;
      const now = this.clock.now();
      const entries = parseBatch(batch.body);
      const read = readSendGridEvents(entries, batch.tenantId, now);
      const { stored: storedCount, refused } = await storeEvents(tx, read.events, store);
      for (const { event, error } of refused) {
        read.errors.push({ index: -1, message: `could not be stored: ${error.message}`, event: JSON.stringify(event).slice(0, 1_000) });
      }
      await this.queries.finish(tx, batch.id, now, {
        eventCount: entries.length,
        storedCount,
        ignoredCount: read.ignored,
        foreignCount: read.foreign,
        errorCount: read.errors.length,
        errors: read.errors.length > 0 ? read.errors.slice(0, KEPT_ERRORS) : null,
      });
      this.report(batch, read);
      return true;
    });
  }

  /** Forgets calls that were taken apart a week ago. */
  async deleteOld(): Promise<number> {
    const before = new Date(this.clock.now().getTime() - KEPT_DAYS * 86_400_000);
    return this.db.asSystem((tx) => this.queries.deleteProcessed(tx, before));
  }

  private report({ id, tenantId }: WaitingBatch, { foreign, errors }: ReadBatch): void {
    if (foreign > 0)
      this.logger.warn(`Dropped ${foreign} events of batch ${id}: the account of tenant ${tenantId} sent them for another tenant`);
    if (errors.length > 0) this.logger.warn(`${errors.length} events of batch ${id} could not be read; the first ${errors[0].message}`);
  }
}

function parseBatch(body: Buffer): unknown[] {
  let batch: unknown;
  try {
    batch = JSON.parse(body.toString('utf8'));
  } catch {
    throw new WebhookMalformedError('The body is not valid JSON.');
  }
  if (!Array.isArray(batch)) throw new WebhookMalformedError('The body must be a JSON array of events.');
  if (batch.length > MAX_EVENTS)
    throw new WebhookTooLargeError(`A call may carry at most ${MAX_EVENTS} events; this one has ${batch.length}.`);
  return batch;
}
