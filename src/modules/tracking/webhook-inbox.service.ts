import { Injectable, Logger } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { cut, readSendGridEvents, type ReadBatch } from './domain/sendgrid-events.js';
import { signatureFault, type SignedCall } from './domain/sendgrid-signature.js';
import { storeEvents, type EventStore } from './event-store.js';
import { WebhookAccounts } from './webhook-accounts.js';
import { WebhookInboxQueries, type WaitingBatch } from './webhook-inbox.queries.js';
import { WebhookMalformedError, WebhookNotConfiguredError, WebhookSignatureError, WebhookTooLargeError } from './webhook.errors.js';

export const MAX_EVENTS = 1_000;
/** Whatever the Content-Type says. */
const MAX_BYTES = 1024 * 1024;
const LATE_SECONDS = 600;
const KEPT_ERRORS = 50;
const KEPT_DAYS = 7;
/** A call that could not be taken apart is passed over for a second, then for four times as long each time. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 600_000;
const MAX_POSTPONED = 1_000;

/**
 * The provider's calls: stored as they come and answered, taken apart later. So a burst is as quick as its inserts, a crash loses nothing that
 * was answered, and what cannot be read is found out where nobody waits for it.
 */
@Injectable()
export class WebhookInbox {
  private readonly logger = new Logger('Webhooks');
  private readonly postponed = new Map<string, { failures: number; until: number }>();

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
    if (call.body.length > MAX_BYTES) throw new WebhookTooLargeError(`A call may have at most ${MAX_BYTES} bytes.`);
    const now = this.clock.now();
    const fault = signatureFault(call, account.publicKey, now);
    if (fault) throw new WebhookSignatureError(fault);
    const { length } = parseBatch(call.body);
    const late = Math.round(now.getTime() / 1000 - Number(call.timestamp));
    if (late > LATE_SECONDS) this.logger.warn(`A webhook call came ${late} s after it was signed`);
    if (length > 0) {
      const batch = { id: this.ids.uuid(), provider: 'sendgrid', tenantId: account.tenantId, body: call.body, receivedAt: now };
      const insert = (tx: Tx) => this.queries.insert(tx, batch);
      await (account.tenantId === null ? this.db.asSystem(insert) : this.db.inTenant(account.tenantId, insert));
    }
    return length;
  }

  /**
   * Takes the oldest stored call apart and hands its events to `store`, which writes them in the given transaction and returns how many were new.
   * False if there is no call. Any number of workers may do this at once. A call that fails is passed over for a while, so that the others go on.
   */
  async processNext(store: EventStore): Promise<boolean> {
    let claimed: string | undefined;
    try {
      const found = await this.takeApart(store, (id) => (claimed = id));
      if (claimed !== undefined) this.postponed.delete(claimed);
      return found;
    } catch (error) {
      if (claimed !== undefined) this.postpone(claimed, error as Error);
      throw error;
    }
  }

  private takeApart(store: EventStore, onClaim: (id: string) => void): Promise<boolean> {
    return this.db.asSystem(async (tx) => {
      const now = performance.now();
      const passedOver = [...this.postponed].flatMap(([id, { until }]) => (until > now ? [id] : []));
      const batch = await this.queries.claim(tx, passedOver);
      if (!batch) return false;
      onClaim(batch.id);
      const at = this.clock.now();
      const entries = parseBatch(batch.body);
      const read = readSendGridEvents(entries, batch.tenantId, at);
      const { stored: storedCount, refused } = await storeEvents(tx, read.events, store);
      for (const { event, error } of refused) {
        read.errors.push({ index: -1, message: `could not be stored: ${error.message}`, event: cut(JSON.stringify(event), 1_000) });
      }
      await this.queries.finish(tx, batch.id, at, {
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

  private postpone(id: string, error: Error): void {
    if (this.postponed.size >= MAX_POSTPONED) this.postponed.clear();
    const failures = (this.postponed.get(id)?.failures ?? 0) + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 4 ** (failures - 1), LONGEST_PAUSE_MS);
    this.postponed.set(id, { failures, until: performance.now() + pauseMs });
    this.logger.error(`Batch ${id} could not be taken apart and is tried again in ${pauseMs / 1_000} s: ${error.message}`);
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
