import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { type CampaignEvent, CampaignLifecycle } from '../campaigns/index.js';
import { EVENT_OF_FACT } from './domain/webhook-events.js';
import { FactsQueries, type FactSource } from './facts.queries.js';

/** Deliveries stored by one statement. */
const BATCH = 2_000;

/** Between the time a fact carries and the beginning of the transaction that writes it, clocks of two machines included. */
const SLACK_MS = 30_000;

/** No transaction of ours lives longer; somebody's forgotten session must not make us look back for ever. */
const LONGEST_TRANSACTION_MS = 300_000;

const SOURCES: Record<FactSource, readonly string[]> = {
  event: ['email.sent', ...new Set(Object.values(EVENT_OF_FACT))],
  sent: ['email.sent'],
  unsent: ['email.failed', 'email.skipped'],
};

/**
 * Finds what subscribed tenants are to be told. Campaign events are written in the transaction of the change; facts about email are found
 * afterwards by their times, so that sending and applying events cost nothing more, and nothing at all is read while nobody subscribes.
 *
 * Nothing is missed: the cursor stays behind every transaction that is still open. Nothing is told twice: the fact is part of a unique key.
 */
@Injectable()
export class WebhookFacts implements OnModuleInit {
  constructor(
    private readonly db: Database,
    private readonly queries: FactsQueries,
    private readonly lifecycle: CampaignLifecycle,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    for (const event of ['launched', 'paused', 'resumed', 'cancelled', 'completed'] satisfies CampaignEvent[]) {
      this.lifecycle.on(event, async (tx, campaign, { at }) => {
        const { tenantId, id, name, status, pauseReason, pauseDetail } = campaign;
        const data = { campaignId: id, name, status, ...(event === 'paused' ? { pauseReason, pauseDetail } : {}) };
        await this.queries.addCampaignFact(tx, { tenantId, campaignId: id, eventType: `campaign.${event}`, at, data });
      });
    }
  }

  /** Looks once through what is new of every source. True if there is more. Safe to repeat and in several processes at once. */
  async collect(): Promise<boolean> {
    let hasMore = false;
    for (const source of Object.keys(SOURCES) as FactSource[]) hasMore = (await this.collectFrom(source)) || hasMore;
    return hasMore;
  }

  private collectFrom(source: FactSource): Promise<boolean> {
    const now = this.clock.now();
    return this.db.asSystem(async (tx) => {
      const window = await this.queries.openWindow(tx, source, SOURCES[source]);
      if (!window) return false;
      const stored = await this.queries.collect(tx, source, window.from, now, BATCH);
      const full = stored.filter(({ found }) => found === BATCH);
      const lookBack = SLACK_MS + Math.min(window.oldestTransactionMs, LONGEST_TRANSACTION_MS);
      const seenUntil = [now.getTime() - lookBack, ...full.map(({ last }) => last!.getTime())];
      await this.queries.moveCursor(tx, source, new Date(Math.min(...seenUntil)));
      return full.length > 0;
    });
  }
}
