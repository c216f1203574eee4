import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InvalidRequestError, assertIfMatch, decodeIdCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { SegmentsService, type Rule } from '../segments/index.js';
import { CampaignDetailParts } from './campaign-parts.js';
import { CampaignInvalidError, CampaignNotFoundError, CampaignStateError } from './campaigns.errors.js';
import { CampaignsQueries, type CampaignFilter } from './campaigns.queries.js';
import {
  CAMPAIGN_TRANSITIONS,
  DELETABLE_STATUSES,
  EDITABLE_STATUSES,
  isEditable,
  transitionFaults,
  type CampaignStatus,
} from './domain/campaign-state.js';
import type { Campaign, CampaignSettings, CampaignType } from './domain/campaign.js';
import { entryContradictions } from './domain/entry.js';
import { entryShapeProblems } from './entry-checks.js';
import { pacingProblems } from './domain/pacing.js';
import { toCampaignDto } from './dto/campaign.dto.js';

export type NewCampaignInput = Partial<CampaignSettings> & { name: string; campaignType: CampaignType };

/** `given` is what the request wants changed. */
interface Change {
  before: Campaign | null;
  after: CampaignSettings;
  given: Partial<CampaignSettings>;
  mayBePast?: boolean;
}

/** Campaigns as settings: create, read, change, delete. Launching and everything after is in the services beside this one. */
@Injectable()
export class CampaignsService implements OnModuleInit {
  constructor(
    private readonly db: Database,
    private readonly queries: CampaignsQueries,
    private readonly parts: CampaignDetailParts,
    private readonly segments: SegmentsService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  onModuleInit(): void {
    const faults = transitionFaults(CAMPAIGN_TRANSITIONS);
    if (faults.length > 0) throw new Error(`The transition table of campaigns is unsound: ${faults.join('; ')}`);
  }

  /** Throws `CampaignNotFoundError`, for another tenant's campaign too. */
  async get(tx: Tx, tenantId: string, campaignId: string): Promise<Campaign> {
    const campaign = await this.queries.find(tx, tenantId, campaignId);
    if (!campaign) throw new CampaignNotFoundError();
    return campaign;
  }

  /** Null where there is no such campaign. */
  async statusOf(tx: Tx, tenantId: string, campaignId: string): Promise<CampaignStatus | null> {
    return (await this.queries.find(tx, tenantId, campaignId))?.status ?? null;
  }

  /** `CampaignStateError` (409) unless the campaign is a draft or scheduled. */
  assertEditable(campaign: Campaign): void {
    if (!isEditable(campaign.status)) throw new CampaignStateError('changed', campaign.status, EDITABLE_STATUSES);
  }

  /**
   * The campaign, locked until the transaction ends and known to be editable. Whoever changes anything that a launch freezes (such as steps)
   * takes this lock first: it puts all edits of a campaign in a line, with the launch at its end, and notes who edits, so that nobody approves
   * their own work.
   */
  async lockEditable(tx: Tx, ctx: TenantContext, campaignId: string): Promise<Campaign> {
    const campaign = await this.lock(tx, ctx.tenantId, campaignId);
    this.assertEditable(campaign);
    await this.noteEditor(tx, ctx, campaignId);
    return campaign;
  }

  /** The campaign in any status, locked until the transaction ends: for what must see no edit come in between. */
  async lock(tx: Tx, tenantId: string, campaignId: string): Promise<Campaign> {
    const campaign = await this.queries.lock(tx, tenantId, campaignId);
    if (!campaign) throw new CampaignNotFoundError();
    return campaign;
  }

  /** Notes whose edit this is; in the transaction of the edit, the campaign locked. For those who edit something else than a draft. */
  async noteEditor(tx: Tx, ctx: TenantContext, campaignId: string): Promise<void> {
    await this.queries.noteEditor(tx, ctx.tenantId, campaignId, ctx.userId);
  }

  async create(ctx: TenantContext, input: NewCampaignInput): Promise<Campaign> {
    return this.db.inTenant(ctx.tenantId, (tx) => this.createIn(tx, ctx, input));
  }

  /** The same in a transaction of the caller's. `mayBePast` takes an end date that has passed as it is: the launch asks about it again. */
  async createIn(tx: Tx, ctx: TenantContext, input: NewCampaignInput, { mayBePast = false } = {}): Promise<Campaign> {
    assertEntryShape(input);
    const tenant = await this.queries.tenant(tx, ctx.tenantId);
    const settings: CampaignSettings = {
      ...defaultsFor(input.campaignType, tenant?.timezone ?? 'UTC'),
      ...withoutUndefined(input),
    };
    await this.assertSound(tx, ctx.tenantId, { before: null, after: settings, given: settings, mayBePast });
    const { workspaceId, userId: createdBy } = ctx;
    const campaign = await this.queries.insert(tx, ctx.tenantId, { ...settings, id: this.ids.uuid(), workspaceId, createdBy });
    await this.audit.record(tx, ctx, { ...of(campaign), action: 'campaign.created', after: toCampaignDto(campaign) });
    return campaign;
  }

  async list(
    ctx: TenantContext,
    query: { limit: number; cursor?: string } & Pick<CampaignFilter, 'status' | 'type' | 'q'>,
  ): Promise<Page<Campaign>> {
    const beforeId = decodeIdCursor(query.cursor);
    const found = await this.db.inTenant(ctx.tenantId, (tx) =>
      this.queries.list(tx, ctx.tenantId, { ...query, beforeId, limit: query.limit + 1 }),
    );
    return keysetPage(found, query.limit, ({ id }) => ({ id }));
  }

  /** The campaign with its steps and its latest analytics. */
  async detail(ctx: TenantContext, campaignId: string): Promise<{ campaign: Campaign; steps: unknown; analytics: unknown }> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.get(tx, ctx.tenantId, campaignId);
      return { campaign, ...(await this.parts.collect(tx, campaign)) };
    });
  }

  async update(ctx: TenantContext, campaignId: string, patch: Partial<CampaignSettings>, ifMatch?: string): Promise<Campaign> {
    assertEntryShape(patch);
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = await this.lockEditable(tx, ctx, campaignId);
      assertIfMatch(ifMatch, toCampaignDto(before));
      const given = withoutUndefined(patch);
      if (Object.keys(given).length === 0) return before;
      const after = { ...before, ...given };
      await this.assertSound(tx, ctx.tenantId, { before, after, given });
      this.assertStillSchedulable(before, after);
      const campaign = await this.queries.update(tx, ctx.tenantId, campaignId, given);
      await this.audit.record(tx, ctx, {
        ...of(campaign),
        action: 'campaign.updated',
        before: toCampaignDto(before),
        after: toCampaignDto(campaign),
      });
      return campaign;
    });
  }

  /** Deletes a draft with its steps. Anything else is cancelled or kept: its numbers are history. */
  async remove(ctx: TenantContext, campaignId: string): Promise<void> {
    await this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.get(tx, ctx.tenantId, campaignId);
      const removed = await this.queries.remove(tx, ctx.tenantId, campaignId, DELETABLE_STATUSES);
      if (!removed) throw new CampaignStateError('deleted', campaign.status, DELETABLE_STATUSES);
      await this.audit.record(tx, ctx, { ...of(campaign), action: 'campaign.deleted', before: toCampaignDto(campaign) });
    });
  }

  /** What a DTO cannot see: values that contradict each other, and a segment or account that is not there (the same answer for another tenant's). */
  private async assertSound(tx: Tx, tenantId: string, { before, after, given, mayBePast }: Change): Promise<void> {
    const problems: Problem[] = [];
    const { startDate, endDate } = after;
    if (startDate && endDate && endDate <= startDate) {
      problems.push({ path: 'endDate', code: 'end_before_start', message: 'The end date must be after the start date.' });
    }
    const isEndNew = given.endDate && given.endDate.getTime() !== before?.endDate?.getTime();
    if (isEndNew && !mayBePast && given.endDate! <= this.clock.now()) {
      problems.push({ path: 'endDate', code: 'end_in_past', message: 'The end date has passed: nothing would be sent.' });
    }
    if (after.startInContactZone && after.sendStrategy !== 'scheduled') {
      const message = 'A start on each contact’s own clock needs the send strategy "scheduled" (and a startDate).';
      problems.push({ path: 'startInContactZone', code: 'start_zone_needs_schedule', message });
    }
    const { segmentId, providerAccountId } = given;
    if (segmentId && !(await this.queries.segmentExists(tx, tenantId, segmentId))) {
      problems.push({ path: 'segmentId', code: 'segment_not_found', message: 'There is no such segment.' });
    }
    if (providerAccountId && !(await this.queries.providerAccountExists(tx, tenantId, providerAccountId))) {
      problems.push({ path: 'providerAccountId', code: 'provider_account_not_found', message: 'There is no such provider account.' });
    }
    const { trigger, goal } = given;
    if (trigger?.type === 'segment_entry' && !(await this.queries.segmentExists(tx, tenantId, trigger.segmentId))) {
      problems.push({ path: 'trigger.segmentId', code: 'segment_not_found', message: 'There is no such segment.' });
    }
    if (goal?.type === 'rule') problems.push(...(await this.segments.assertRuleUsable(tx, tenantId, goal.rules as Rule, 'goal.rules')));
    problems.push(...pacingProblems(after), ...entryContradictions(after));
    if (problems.length > 0) throw new CampaignInvalidError(problems);
  }

  /** A scheduled campaign waits for its start date: taking that away, or moving it into the past, would start it at once or never. */
  private assertStillSchedulable(before: Campaign, { startDate }: Campaign): void {
    const isMoved = startDate?.getTime() !== before.startDate?.getTime();
    if (before.status !== 'scheduled' || !isMoved || (startDate && startDate > this.clock.now())) return;
    const message = 'The campaign is scheduled: its start date must lie in the future. Unschedule it first to take the date away.';
    throw new CampaignInvalidError([{ path: 'startDate', code: 'start_in_past', message }]);
  }
}

function defaultsFor(type: CampaignType, timezone: string): Omit<CampaignSettings, 'name' | 'campaignType'> {
  return {
    description: null,
    category: 'marketing',
    segmentId: null,
    fromEmail: null,
    fromName: null,
    replyToEmail: null,
    startDate: null,
    endDate: null,
    timezone,
    sendStrategy: 'immediate',
    startInContactZone: false,
    trackOpens: true,
    trackClicks: true,
    unsubscribeEnabled: true,
    unknownPolicy: 'hold',
    providerAccountId: null,
    // A sequence that goes on writing to somebody who has answered reads like a robot; a broadcast has nothing to go on with.
    exitOnReply: type === 'drip',
    sendRatePerMinute: null,
    rampPlan: null,
    frequencyCap: null,
    sendWindow: null,
    pauseThresholds: null,
    trigger: null,
    reentry: null,
    goal: null,
    exitOnSegmentLeave: false,
    keepEnrolling: false,
  };
}

function assertEntryShape(given: Partial<CampaignSettings>): void {
  const problems = entryShapeProblems(given);
  if (problems.length > 0) throw new InvalidRequestError(problems);
}

function withoutUndefined<T extends object>(input: T): T {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as T;
}

function of({ id }: Campaign): { entityType: string; entityId: string } {
  return { entityType: 'campaign', entityId: id };
}
