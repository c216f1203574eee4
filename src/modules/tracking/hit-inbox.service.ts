import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Ids } from '../../shared/ids.js';
import type { TenantEvent } from './domain/sendgrid-events.js';
import { storeEvents, type EventStore } from './event-store.js';
import { HitInboxQueries } from './hit-inbox.queries.js';
import type { TrackedHit } from './tracking.types.js';

const BATCHES_PER_RUN = 100;
const HITS_PER_RUN = 1_000;

const SOURCE = { opened: 'pixel', clicked: 'link', unsubscribe_viewed: 'page' } as const;

/** Hits between the moment they are answered and the moment they are applied. */
@Injectable()
export class HitInbox {
  private readonly logger = new Logger('Tracking');

  constructor(
    private readonly db: Database,
    private readonly queries: HitInboxQueries,
    private readonly ids: Ids,
  ) {}

  /** Stores hits, all or none; once this returns they are safe. */
  async put(hits: readonly TrackedHit[]): Promise<void> {
    await this.queries.insert(this.db, hits.length, JSON.stringify(hits));
  }

  /**
   * Takes the oldest hits out and hands them to `store` as events, in one transaction: each becomes an event exactly once. Returns true while
   * there may be more. Any number of workers may do this at once.
   */
  async processNext(store: EventStore): Promise<boolean> {
    return this.db.asSystem(async (tx) => {
      const batches = await this.queries.take(tx, BATCHES_PER_RUN, HITS_PER_RUN);
      const hits = batches.flatMap(({ hits }) => JSON.parse(hits) as TrackedHit[]);
      if (hits.length === 0) return false;
      const events = hits.map((hit) => this.eventOf(hit));
      const { refused } = await storeEvents(tx, events, store);
      for (const { event, error } of refused) {
        const { tenantId, emailId, type } = event;
        this.logger.error(`A hit could not be stored (${type} of email ${emailId}, tenant ${tenantId}): ${error.message}`);
      }
      return batches.length === BATCHES_PER_RUN || hits.length >= HITS_PER_RUN;
    });
  }

  private eventOf({ at, machineReason, ...hit }: TrackedHit): TenantEvent {
    return {
      ...hit,
      source: SOURCE[hit.type],
      occurredAt: new Date(at),
      // Every hit counts.
      dedupeKey: `hit:${this.ids.uuid()}`,
      isMachine: machineReason !== null,
      machineReason,
    };
  }
}
