import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InjectTypedQueue, type TypedQueue } from '../../queue/index.js';
import { Clock } from '../../shared/clock.js';
import { Random } from '../../shared/random.js';
import { BreakerService } from './breaker.service.js';
import { CampaignRun, type RunParts } from './campaign-run.js';
import { CampaignGuard } from './campaign-guard.service.js';
import { ClaimService } from './claim.service.js';
import { deliverDedupeId, deliveryQueue, type DeliveryJobs } from './delivery.jobs.js';
import { DeliveryQueries } from './delivery.queries.js';
import type { CampaignWithMail } from './delivery.types.js';
import { EventApplier } from './event-applier.service.js';
import { GateService } from './gate.service.js';
import { LedgerQueries } from './ledger.queries.js';
import { MessageComposer } from './message-composer.js';
import { Outlets } from './outlets.js';
import { Pacer } from './pacer.service.js';
import { PacingQueries } from './pacing.queries.js';
import { RecoveryService } from './recovery.service.js';
import { SettlementService } from './settlement.service.js';
import { Turn, type TurnBudget } from './turn.js';

const CAMPAIGNS_PER_SWEEP = 500;
const EVENTS_PER_SWEEP = 1_000;
/** So much queued mail is worth a worker of its own. */
const MAIL_PER_SHARD = 2_000;
const MAX_SHARDS = 4;
const BUDGET_IDLE_MS = 7 * 24 * 3_600_000;
const CANCEL_CHUNK = 10_000;
/** A queue that is away must not keep a run from its claimed messages. */
const QUIET_LIMIT_MS = 250;

/** Sends what the ledger holds and keeps the ledger true. Everything here may run in any number of processes at once. */
@Injectable()
export class DeliveryService {
  private readonly parts: Omit<RunParts, 'outlet'>;
  /** One run keeps all connections of the provider busy; a second one of the same campaign would only take database connections from others. */
  private readonly running = new Set<string>();
  /** Of those, the ones that were found to have due mail that nobody holds: it may have come after their last look. */
  private readonly hasNewMail = new Set<string>();

  constructor(
    private readonly db: Database,
    private readonly queries: DeliveryQueries,
    private readonly ledger: LedgerQueries,
    claims: ClaimService,
    composer: MessageComposer,
    gate: GateService,
    private readonly outlets: Outlets,
    settlements: SettlementService,
    private readonly recovery: RecoveryService,
    private readonly events: EventApplier,
    private readonly clock: Clock,
    random: Random,
    pacer: Pacer,
    private readonly breaker: BreakerService,
    private readonly guard: CampaignGuard,
    private readonly pacingQueries: PacingQueries,
    @InjectTypedQueue(deliveryQueue) private readonly queue: TypedQueue<DeliveryJobs>,
  ) {
    this.parts = { claims, composer, gate, settlements, clock, random, pacer, breaker };
  }

  /**
   * Sends the campaign's due mail until there is none, its turn is over, or the campaign or the provider stops; then waits for what is under
   * way. `sent` counts accepted messages; `more` asks for another call. A campaign this process is already sending is left alone.
   */
  async deliverCampaign(tenantId: string, campaignId: string, budget: TurnBudget): Promise<{ sent: number; more: boolean }> {
    if (this.running.has(campaignId)) return { sent: 0, more: false };
    const turn = new Turn(budget);
    this.running.add(campaignId);
    try {
      const campaign = await this.db.inTenant(tenantId, (tx) =>
        this.queries.findSendingCampaign(tx, tenantId, campaignId, this.clock.now()),
      );
      if (!campaign) return { sent: 0, more: false };
      const outlet = await this.outlets.for(tenantId, campaign.providerAccountId);
      if (outlet.isPaused) return { sent: 0, more: false };
      const admission = await this.breaker.admit(outlet.accountKey);
      if (admission === 'open') return { sent: 0, more: false };
      const run = new CampaignRun({ ...this.parts, outlet }, campaign, turn, admission === 'probe');
      const { sent, more, isEmpty } = await run.run();
      if (run.refused > 0) await this.guard.check(tenantId, campaignId);
      return { sent, more: more || (isEmpty && this.hasNewMail.has(campaignId)) };
    } finally {
      this.running.delete(campaignId);
      this.hasNewMail.delete(campaignId);
    }
  }

  /** System scope: active campaigns with due mail that nobody holds. */
  listCampaignsWithMail(tx: Tx, now: Date, limit: number): Promise<CampaignWithMail[]> {
    return this.ledger.listCampaignsWithMail(tx, now, limit);
  }

  /**
   * Wakes workers for every campaign with due mail, but for those this process is sending: other processes look for themselves. Returns how many
   * campaigns with due mail there are.
   */
  async hintDue(): Promise<number> {
    const campaigns = await this.db.asSystem((tx) => this.listCampaignsWithMail(tx, this.clock.now(), CAMPAIGNS_PER_SWEEP));
    for (const { tenantId, campaignId, queued, accountId, accountVersion } of campaigns) {
      if (this.outlets.isPaused(accountId, accountVersion)) continue;
      if (this.running.has(campaignId)) {
        this.hasNewMail.add(campaignId);
        continue;
      }
      const shards = Math.min(Math.max(Math.ceil(queued / MAIL_PER_SHARD), 1), MAX_SHARDS);
      for (let shard = 0; shard < shards; shard++) await this.hint(tenantId, campaignId, shard);
    }
    return campaigns.length;
  }

  /** Whether no campaign waits for a worker, as far as the queue tells in time. */
  isQuiet(): Promise<boolean> {
    const answer = this.queue.counts().then(
      ({ waiting }) => waiting === 0,
      () => false,
    );
    return Promise.race([answer, delay(QUIET_LIMIT_MS, false, { ref: false })]);
  }

  async hint(tenantId: string, campaignId: string, shard: number): Promise<void> {
    await this.queue.hint('deliver-campaign', { tenantId, campaignId, shard }, { dedupeId: deliverDedupeId(campaignId, shard) });
  }

  /** Buckets that are full again anyway, or of a day that is over. */
  forgetIdleBudgets(): Promise<number> {
    const before = new Date(this.clock.now().getTime() - BUDGET_IDLE_MS);
    return this.db.asSystem((tx) => this.pacingQueries.forgetIdle(tx, before));
  }

  recoverExpired(): Promise<number> {
    return this.recovery.recoverExpired();
  }

  settleUnknown(): Promise<number> {
    return this.recovery.settleUnknown();
  }

  /** Applies up to `limit` events that have come back; returns how many. */
  async applyEvents(limit: number): Promise<number> {
    const applied = await this.events.applyEvents(limit);
    await this.guard.checkNoted();
    return applied;
  }

  /** Takes one stored webhook call apart and applies it; false if none waits. */
  async applyNextBatch(): Promise<boolean> {
    const wasThere = await this.events.applyNextBatch();
    await this.guard.checkNoted();
    return wasThere;
  }

  /** Applies hits on pixels and links; true while there may be more. */
  applyNextHits(): Promise<boolean> {
    return this.events.applyNextHits();
  }

  /** Everything that is due, once: the cron's backstop for the pollers. */
  async sweep(): Promise<void> {
    await this.recoverExpired();
    await this.settleUnknown();
    while (await this.applyNextBatch());
    while (await this.applyNextHits());
    while ((await this.applyEvents(EVENTS_PER_SWEEP)) > 0);
    await this.guard.checkAll();
    await this.hintDue();
  }

  /**
   * Closes up to `limit` queued rows of a campaign that has ended (`skipped`) or was cancelled (`cancelled`). Rows on their way to the provider
   * are not touched. Repeat until it returns less than `limit`. Does not move the contacts: the caller ends their enrolments.
   */
  cancelQueued(tx: Tx, tenantId: string, campaignId: string, reason: string, limit = CANCEL_CHUNK): Promise<number> {
    const status = reason === 'campaign_cancelled' ? 'cancelled' : 'skipped';
    return this.ledger.closeQueued(tx, tenantId, { campaignId, status, reason, now: this.clock.now(), limit });
  }
}
