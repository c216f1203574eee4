import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InjectTypedQueue, type TypedQueue } from '../../queue/index.js';
import { Clock } from '../../shared/clock.js';
import { AuditService, systemContext, type TenantContext } from '../identity/index.js';
import { CampaignLifecycle, type ResumePolicy } from './campaign-lifecycle.js';
import { CAMPAIGN_LOCK } from './campaign-lock.js';
import { CampaignInvalidError, CampaignNotFoundError, CampaignStateError } from './campaigns.errors.js';
import { campaignsQueue, type CampaignJobs } from './campaigns.jobs.js';
import { CampaignsQueries } from './campaigns.queries.js';
import { canTransition, transitionOf, type CampaignAction, type CampaignStatus } from './domain/campaign-state.js';
import type { Campaign } from './domain/campaign.js';
import { isOpenEnded } from './domain/entry.js';
import type { PauseReason } from './domain/pacing.js';

const LIVE: readonly CampaignStatus[] = ['active', 'paused'];

type ControlAction = 'pause' | 'resume' | 'cancel';
const DONE: Record<ControlAction, string> = { pause: 'paused', resume: 'resumed', cancel: 'cancelled' };

/**
 * Pause, resume, cancel: what stops a running campaign and lets it go on. Each changes the campaign's row alone, however many contacts it
 * has; the claim and the gate look at it before every step and every message.
 */
@Injectable()
export class CampaignControlService {
  private readonly waits = new Map<string, { running: Promise<void>; next?: Promise<void> }>();

  constructor(
    private readonly db: Database,
    private readonly queries: CampaignsQueries,
    private readonly lifecycle: CampaignLifecycle,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @InjectTypedQueue(campaignsQueue) private readonly queue: TypedQueue<CampaignJobs>,
  ) {}

  /**
   * When this returns, nothing new is handed over: messages pass the gate under a shared lock, of which this takes the exclusive side.
   * `inFlight` is how many were with the provider at that moment; these can no longer be held back.
   */
  async pause(ctx: TenantContext, campaignId: string): Promise<{ campaign: Campaign; inFlight: number }> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.queries.lockGate(tx, CAMPAIGN_LOCK, campaignId);
      const { campaign, at } = await this.apply(tx, ctx, campaignId, 'pause');
      await this.lifecycle.emit(tx, 'paused', campaign, { at });
      return { campaign, inFlight: await this.queries.countInFlight(tx, ctx.tenantId, campaignId) };
    });
  }

  /**
   * Pauses a campaign that does harm, in the system's name, with the reason on the row and in the audit log. Under the same lock as `pause`.
   * `decide` is asked once more under it; null (or a campaign that is not active any more) leaves things as they are and answers null.
   */
  async pauseFor(
    tenantId: string,
    campaignId: string,
    decide: (tx: Tx) => Promise<{ reason: PauseReason; detail: string } | null>,
  ): Promise<Campaign | null> {
    return this.db.inTenant(tenantId, async (tx) => {
      await this.queries.lockGate(tx, CAMPAIGN_LOCK, campaignId);
      const before = await this.queries.lock(tx, tenantId, campaignId);
      const why = before?.status === 'active' ? await decide(tx) : null;
      if (!why) return null;
      const { at } = await this.apply(tx, systemContext(tenantId), campaignId, 'pause', why);
      const campaign = await this.queries.explainPause(tx, tenantId, campaignId, why.reason, why.detail);
      if (campaign) await this.lifecycle.emit(tx, 'paused', campaign, { at });
      return campaign;
    });
  }

  async resume(ctx: TenantContext, campaignId: string, policy: ResumePolicy): Promise<Campaign> {
    const resumed = await this.db.inTenant(ctx.tenantId, async (tx) => {
      const { before, campaign, at } = await this.apply(tx, ctx, campaignId, 'resume', { policy });
      await this.lifecycle.emit(tx, 'resumed', campaign, { at, policy, pausedAt: before.pausedAt ?? at });
      return campaign;
    });
    await this.hint(resumed);
    return resumed;
  }

  /**
   * From now on nobody enters: a campaign that would let people in for ever completes once everybody inside is through. Repeating it changes
   * nothing. 409 unless it is active or paused, 422 for a campaign that closes by itself.
   */
  async closeEnrollment(ctx: TenantContext, campaignId: string): Promise<Campaign> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.queries.lockGate(tx, CAMPAIGN_LOCK, campaignId);
      const before = await this.queries.lock(tx, ctx.tenantId, campaignId);
      if (!before) throw new CampaignNotFoundError();
      if (!LIVE.includes(before.status)) throw new CampaignStateError('closed', before.status, LIVE);
      if (!isOpenEnded(before)) {
        const message =
          'This campaign takes in its audience at launch and ends by itself: only a triggered one, or a drip that keeps enrolling, is closed.';
        throw new CampaignInvalidError([{ path: 'campaignType', code: 'not_open_ended', message }]);
      }
      const campaign = await this.queries.closeEnrollment(tx, ctx.tenantId, campaignId, this.clock.now());
      await this.audit.record(tx, ctx, {
        action: 'campaign.enrollment_closed',
        entityType: 'campaign',
        entityId: campaignId,
        after: { enrollmentClosedAt: campaign.enrollmentClosedAt },
      });
      return campaign;
    });
  }

  /** Ends the campaign for good. Like `pause`, it returns only when nothing new can be handed over. */
  async cancel(ctx: TenantContext, campaignId: string): Promise<Campaign> {
    const cancelled = await this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.queries.lockGate(tx, CAMPAIGN_LOCK, campaignId);
      const { campaign, at } = await this.apply(tx, ctx, campaignId, 'cancel');
      await this.lifecycle.emit(tx, 'cancelled', campaign, { at });
      return campaign;
    });
    await this.hint(cancelled);
    return cancelled;
  }

  /**
   * Waits until every gate of the tenant that is open at this moment has closed. A gate that opened before something was committed does not see it;
   * those that open afterwards do. Gates last milliseconds, and one that comes meanwhile waits for no longer than that. However many ask at once, the
   * gates of a tenant are held up by one at a time.
   */
  waitForGates(tenantId: string): Promise<void> {
    const wait = this.waits.get(tenantId);
    if (!wait) return this.startWait(tenantId);
    // The one under way may be past a campaign already: it proves nothing about what was committed since. The next one does, for all who ask meanwhile.
    wait.next ??= wait.running.catch(() => undefined).then(() => this.startWait(tenantId));
    return wait.next;
  }

  private startWait(tenantId: string): Promise<void> {
    const running = this.passGates(tenantId).finally(() => {
      if (this.waits.get(tenantId) === wait && !wait.next) this.waits.delete(tenantId);
    });
    const wait: { running: Promise<void>; next?: Promise<void> } = { running };
    this.waits.set(tenantId, wait);
    return running;
  }

  private async passGates(tenantId: string): Promise<void> {
    const active = await this.db.inTenant(tenantId, (tx) => this.queries.listActiveIds(tx, tenantId));
    // One transaction each: whoever held one campaign's lock while waiting for another's would hold up the first one for nothing.
    for (const id of active) await this.db.inTenant(tenantId, (tx) => this.queries.lockGate(tx, CAMPAIGN_LOCK, id));
  }

  private async apply(
    tx: Tx,
    ctx: TenantContext,
    campaignId: string,
    action: ControlAction,
    detail: object = {},
  ): Promise<{ before: Campaign; campaign: Campaign; at: Date }> {
    const before = await this.queries.lock(tx, ctx.tenantId, campaignId);
    if (!before) throw new CampaignNotFoundError();
    const at = this.clock.now();
    const campaign = await this.queries.transition(tx, ctx.tenantId, campaignId, action, at);
    if (!campaign) throw notAllowed(before, action);
    await this.audit.record(tx, ctx, {
      action: `campaign.${DONE[action]}`,
      entityType: 'campaign',
      entityId: campaignId,
      before: { status: before.status },
      after: { status: campaign.status, ...detail },
    });
    return { before, campaign, at };
  }

  private async hint({ tenantId, id }: Campaign): Promise<void> {
    await this.queue.hint('campaign-changed', { tenantId, campaignId: id }, { dedupeId: `changed-${id}` });
  }
}

function notAllowed(campaign: Campaign, action: CampaignAction & ControlAction): Error {
  if (canTransition(action, campaign.status)) return new Error(`The locked campaign ${campaign.id} could not be ${DONE[action]}`);
  return new CampaignStateError(DONE[action], campaign.status, transitionOf(action).from);
}
