import { Injectable, Logger } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InjectTypedQueue, type TypedQueue } from '../../queue/index.js';
import { failPoint } from '../../shared/fail-point.js';
import { Clock } from '../../shared/clock.js';
import { AuditService, systemContext, type TenantContext } from '../identity/index.js';
import { CampaignAudience, type AudienceBreakdown } from './campaign-audience.js';
import { CampaignLifecycle } from './campaign-lifecycle.js';
import { CampaignChangedError, CampaignNotFoundError, CampaignStateError, LaunchRefusedError } from './campaigns.errors.js';
import { campaignsQueue, type CampaignJobs } from './campaigns.jobs.js';
import { CampaignsQueries } from './campaigns.queries.js';
import { CampaignsService } from './campaigns.service.js';
import { canTransition, transitionOf, type CampaignAction } from './domain/campaign-state.js';
import type { Campaign } from './domain/campaign.js';
import { campaignFindings, type LaunchCircumstances, type LaunchFinding } from './domain/launch-rules.js';
import type { CampaignLink } from './domain/link-verdict.js';
import { LaunchChecks, type LaunchCheck } from './launch-checks.js';
import { LinkChecker } from './link-checker.js';

export interface LaunchOptions {
  /** The start date has passed, and that is meant. */
  confirmPastStart?: boolean;
}

/** What `preflight` answers. `ready` says that a launch would not be refused. */
export interface Preflight {
  ready: boolean;
  errors: LaunchFinding[];
  warnings: LaunchFinding[];
  /** Null without a segment, or if counting takes too long. */
  exclusions: AudienceBreakdown | null;
}

export interface PreflightOptions {
  /** Also call the web addresses in the content, which takes up to twenty seconds. */
  checkLinks?: boolean;
}

interface Inspection {
  findings: LaunchFinding[];
  links: CampaignLink[];
  prepared: Map<LaunchCheck, unknown>;
}

type Purpose = LaunchCircumstances['purpose'];
const DONE: Record<Purpose, string> = { launch: 'launched', schedule: 'scheduled' };

/**
 * From draft to active. Checks read, slow work is prepared with no transaction open, and one short transaction flips the status and freezes
 * what was prepared: of any number of concurrent launches one succeeds, and what it launches is exactly what was checked. Enrolment then goes
 * on in the background from the row (`launch_state`), so a lost hint costs seconds, not the launch.
 */
@Injectable()
export class CampaignLaunchService {
  private readonly logger = new Logger('Campaigns');

  constructor(
    private readonly db: Database,
    private readonly queries: CampaignsQueries,
    private readonly campaigns: CampaignsService,
    private readonly audience: CampaignAudience,
    private readonly checks: LaunchChecks,
    private readonly linkChecker: LinkChecker,
    private readonly lifecycle: CampaignLifecycle,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @InjectTypedQueue(campaignsQueue) private readonly queue: TypedQueue<CampaignJobs>,
  ) {}

  /** Everything that stands in the way of a launch, or should be looked at before it. Changes nothing, in any status. */
  async preflight(ctx: TenantContext, campaignId: string, { checkLinks = false }: PreflightOptions = {}): Promise<Preflight> {
    const campaign = await this.db.inTenant(ctx.tenantId, (tx) => this.campaigns.get(tx, ctx.tenantId, campaignId));
    const { findings, links } = await this.inspect(campaign, 'launch', {});
    if (checkLinks) findings.push(...(await this.linkChecker.check(ctx.tenantId, links)));
    const errors = findings.filter(({ severity }) => severity === 'error');
    const warnings = findings.filter(({ severity }) => severity === 'warning');
    return { ready: errors.length === 0, errors, warnings, exclusions: await this.audience.breakdown(campaign, this.clock.now()) };
  }

  async launch(ctx: TenantContext, campaignId: string, options: LaunchOptions): Promise<Campaign> {
    const checked = await this.loadFor(ctx, campaignId, 'launch');
    return this.launchChecked(ctx, checked, options);
  }

  /** Lets the campaign start by itself at its start date. What is checked now is checked again then. */
  async schedule(ctx: TenantContext, campaignId: string, options: LaunchOptions): Promise<Campaign> {
    const checked = await this.loadFor(ctx, campaignId, 'schedule');
    assertLaunchable(await this.inspect(checked, 'schedule', options), checked);
    const scheduled = await this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.lockUnchanged(tx, checked, 'schedule');
      return this.apply(tx, ctx, checked, 'schedule');
    });
    await this.hint(scheduled);
    return scheduled;
  }

  async unschedule(ctx: TenantContext, campaignId: string): Promise<Campaign> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.queries.lock(tx, ctx.tenantId, campaignId);
      if (!campaign) throw new CampaignNotFoundError();
      assertAllowed(campaign, 'unschedule', 'unscheduled');
      return this.apply(tx, ctx, campaign, 'unschedule');
    });
  }

  /**
   * Launches a campaign whose start date has come; for the scheduler. Null if it is no longer scheduled. If the checks refuse it, it becomes a
   * draft again with `launchState` "failed" and the reasons in `launchError` (and null is returned): left scheduled, it would be tried for
   * ever, or start by surprise at the moment the last fault is mended.
   */
  async launchScheduled(tenantId: string, campaignId: string): Promise<Campaign | null> {
    const ctx = systemContext(tenantId);
    const campaign = await this.db.inTenant(tenantId, (tx) => this.queries.find(tx, tenantId, campaignId));
    if (campaign?.status !== 'scheduled') return null;
    try {
      return await this.launchChecked(ctx, campaign, { confirmPastStart: true });
    } catch (error) {
      if (!(error instanceof LaunchRefusedError)) throw error;
      await this.failScheduled(ctx, campaign, error);
      return null;
    }
  }

  private async launchChecked(ctx: TenantContext, checked: Campaign, options: LaunchOptions): Promise<Campaign> {
    const inspection = await this.inspect(checked, 'launch', options);
    assertLaunchable(inspection, checked);
    const launched = await this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.lockUnchanged(tx, checked, 'launch');
      const campaign = await this.apply(tx, ctx, checked, 'launch');
      for (const check of this.checks.all()) await check.freeze?.(tx, campaign, inspection.prepared.get(check), 'launch');
      await this.lifecycle.emit(tx, 'launched', campaign, { at: campaign.launchedAt! });
      await failPoint('launch_before_commit');
      return campaign;
    });
    await failPoint('launch_after_commit');
    await this.hint(launched);
    return launched;
  }

  private async inspect(campaign: Campaign, purpose: Purpose, { confirmPastStart = false }: LaunchOptions): Promise<Inspection> {
    const { tenantId } = campaign;
    const now = this.clock.now();
    const hasAudience = await this.audience.hasAnybody(campaign, now);
    const findings = await this.db.inTenant(tenantId, async (tx) => {
      const postalAddress = (await this.queries.tenant(tx, tenantId))?.postalAddress ?? null;
      const own = campaignFindings(campaign, { now, postalAddress, hasAudience, confirmPastStart, purpose });
      for (const check of this.checks.all()) own.push(...(await check.check(tx, campaign, 'launch')));
      return own;
    });
    const prepared = new Map<LaunchCheck, unknown>();
    const links: CampaignLink[] = [];
    for (const check of this.checks.all()) {
      const preparation = await check.prepare?.(tenantId, campaign);
      if (!preparation) continue;
      findings.push(...preparation.findings);
      links.push(...(preparation.links ?? []));
      prepared.set(check, preparation.prepared);
    }
    return { findings, links, prepared };
  }

  private async loadFor(ctx: TenantContext, campaignId: string, purpose: Purpose): Promise<Campaign> {
    const campaign = await this.db.inTenant(ctx.tenantId, (tx) => this.campaigns.get(tx, ctx.tenantId, campaignId));
    assertAllowed(campaign, purpose, DONE[purpose]);
    return campaign;
  }

  /** The row's lock, and the certainty that it is still the row that was checked. */
  private async lockUnchanged(tx: Tx, checked: Campaign, purpose: Purpose): Promise<void> {
    const present = await this.queries.lock(tx, checked.tenantId, checked.id);
    if (!present) throw new CampaignNotFoundError();
    assertAllowed(present, purpose, DONE[purpose]);
    if (present.status !== checked.status || present.updatedAt.getTime() !== checked.updatedAt.getTime()) {
      throw new CampaignChangedError(present.status);
    }
  }

  private async apply(tx: Tx, ctx: TenantContext, before: Campaign, action: 'launch' | 'schedule' | 'unschedule'): Promise<Campaign> {
    const campaign = await this.queries.transition(tx, ctx.tenantId, before.id, action, this.clock.now());
    if (!campaign) throw new CampaignChangedError(before.status);
    await this.audit.record(tx, ctx, {
      action: `campaign.${action}${action === 'launch' ? 'ed' : 'd'}`,
      entityType: 'campaign',
      entityId: campaign.id,
      before: { status: before.status },
      after: { status: campaign.status },
    });
    return campaign;
  }

  private async failScheduled(ctx: TenantContext, campaign: Campaign, error: LaunchRefusedError): Promise<void> {
    const reason = error.problems.map(({ message }) => message).join(' ');
    await this.db.inTenant(ctx.tenantId, async (tx) => {
      if (!(await this.queries.failScheduled(tx, ctx.tenantId, campaign.id, reason))) return;
      await this.audit.record(tx, ctx, {
        action: 'campaign.launch_failed',
        entityType: 'campaign',
        entityId: campaign.id,
        after: { status: 'draft', problems: error.problems },
      });
    });
    this.logger.warn(`A scheduled campaign was not launched and is a draft again (campaign ${campaign.id}: ${reason})`);
  }

  private async hint({ tenantId, id }: Campaign): Promise<void> {
    await this.queue.hint('campaign-changed', { tenantId, campaignId: id }, { dedupeId: `changed-${id}` });
  }
}

function assertAllowed(campaign: Campaign, action: CampaignAction, done: string): void {
  if (!canTransition(action, campaign.status)) throw new CampaignStateError(done, campaign.status, transitionOf(action).from);
}

function assertLaunchable({ findings }: Inspection, { status }: Campaign): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new LaunchRefusedError(errors, status);
}
