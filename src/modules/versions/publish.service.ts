import { Injectable, Logger } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InjectTypedQueue, type TypedQueue } from '../../queue/index.js';
import { Clock } from '../../shared/clock.js';
import {
  CampaignSteps,
  CampaignsService,
  campaignsQueue,
  type Campaign,
  type CampaignJobs,
  type Inspection,
  type LaunchOccasion,
} from '../campaigns/index.js';
import { VersionMoves } from '../enrollment/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { StepVersions, type CampaignStep } from '../steps/index.js';
import { placementProblems, placementTypeProblems, placesOf, unplaced, type Place, type Situation } from './domain/moves.js';
import { testOf } from './domain/substance.js';
import type { CampaignVersion, PublishPolicy } from './domain/version.js';
import { Migration, type Moved } from './migration.service.js';
import {
  NoVersionBeforeError,
  PlacementMissingError,
  VersionInvalidError,
  VersionNotFoundError,
  VersionStateError,
} from './versions.errors.js';
import { VersionsQueries } from './versions.queries.js';

/** Everybody inside is moved in one transaction: a minute for a million. */
const STATEMENT_TIMEOUT_MS = 300_000;

export interface PublishOptions {
  policy: PublishPolicy;
  /** For contacts at steps that the version does not have: by the id of their step, a step of the version or `exit`. */
  placements: Record<string, string>;
}

export interface Published extends Moved {
  campaign: Campaign;
  version: CampaignVersion;
}

interface Change extends PublishOptions {
  occasion: Exclude<LaunchOccasion, 'launch'>;
  /** The version that shall be live. */
  target: number;
}

/**
 * Another version of the steps goes live: a draft, or the version before. The same checks as for a launch come first, with no transaction open; then one
 * transaction, with the campaign to itself, changes the version and moves everybody, or nothing at all.
 */
@Injectable()
export class PublishService {
  private readonly logger = new Logger('Versions');

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: VersionsQueries,
    private readonly campaigns: CampaignsService,
    private readonly campaignSteps: CampaignSteps,
    private readonly steps: StepVersions,
    private readonly moves: VersionMoves,
    private readonly migration: Migration,
    private readonly audit: AuditService,
    @InjectTypedQueue(campaignsQueue) private readonly queue: TypedQueue<CampaignJobs>,
  ) {}

  async publish(ctx: TenantContext, campaignId: string, version: number, options: PublishOptions): Promise<Published> {
    return this.change(ctx, campaignId, version, { ...options, occasion: 'publish', target: version });
  }

  /** Back to the version that was live before `version`, which must be live. Its steps are as they were, with the content its contacts know. */
  async rollback(ctx: TenantContext, campaignId: string, version: number, options: PublishOptions): Promise<Published> {
    const { basedOn } = await this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.campaigns.get(tx, ctx.tenantId, campaignId);
      this.campaignSteps.assertUnderWay(campaign, 'rolled back');
      return this.assertFit(tx, campaign, version, 'rollback');
    });
    return this.change(ctx, campaignId, version, { ...options, occasion: 'rollback', target: basedOn! });
  }

  private async change(ctx: TenantContext, campaignId: string, version: number, change: Change): Promise<Published> {
    const { tenantId } = ctx;
    const { occasion, target } = change;
    const asked = await this.db.inTenant(tenantId, async (tx) => {
      const campaign = await this.campaigns.get(tx, tenantId, campaignId);
      await this.assertAllowed(tx, campaign, version, change);
      await this.assertPlaced(tx, campaign, change);
      return { ...campaign, stepsVersion: target };
    });
    const inspection = await this.campaignSteps.inspect(asked, occasion);
    const published = await this.db.inTenant(tenantId, (tx) => this.apply(tx, ctx, campaignId, version, change, inspection), {
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    const { moved, placed, exited } = published;
    this.logger.log(`Version ${target} is live (campaign ${campaignId}: ${moved} moved, ${placed} placed, ${exited} exited)`);
    await this.queue.hint('campaign-changed', { tenantId, campaignId }, { dedupeId: `changed-${campaignId}` });
    return published;
  }

  private async apply(
    tx: Tx,
    ctx: TenantContext,
    campaignId: string,
    version: number,
    change: Change,
    inspection: Inspection,
  ): Promise<Published> {
    const { tenantId } = ctx;
    const { occasion, target, policy } = change;
    const now = this.clock.now();
    const before = await this.campaignSteps.lockAlone(tx, tenantId, campaignId);
    await this.assertAllowed(tx, before, version, change);
    const campaign = await this.campaignSteps.switchTo(tx, before, target, inspection, occasion);
    const basedOn = occasion === 'publish' ? before.stepsVersion : undefined;
    const live = await this.queries.goLive(tx, tenantId, campaignId, { version: target, basedOn, policy, by: ctx.userId, now });
    if (occasion === 'publish') await this.continueTests(tx, before, target);
    await this.migration.carryTests(tx, campaign, before.stepsVersion, policy === 'move_everyone', now);
    // Messages before contacts, as everybody who settles messages does; and whoever is just leaving an email is seen where they went.
    const moved =
      policy === 'move_everyone'
        ? await this.migration.moveEveryone(tx, campaign, (places, situation) => this.placements(places, situation, change), now)
        : { moved: 0, placed: 0, exited: 0 };
    await this.audit.record(tx, ctx, {
      action: `campaign.version_${occasion === 'publish' ? 'published' : 'rolled_back'}`,
      entityType: 'campaign',
      entityId: campaignId,
      before: { version: before.stepsVersion },
      after: { version: target, policy, placements: change.placements, ...moved },
    });
    return { campaign, version: live, ...moved };
  }

  /** Throws if this cannot be done to this campaign with this version. */
  private async assertAllowed(tx: Tx, campaign: Campaign, version: number, change: Change): Promise<void> {
    this.campaignSteps.assertUnderWay(campaign, change.occasion === 'publish' ? 'given another version' : 'rolled back');
    const found = await this.assertFit(tx, campaign, version, change.occasion);
    if (change.occasion === 'rollback' && found.basedOn !== change.target)
      throw new VersionStateError(version, found.status, 'rolled back', 'live');
  }

  /** A look before the slow work and the locks; what it finds is looked at again under them. */
  private async assertPlaced(tx: Tx, { tenantId, id }: Campaign, change: Change): Promise<void> {
    const given = Object.keys(change.placements);
    if (change.policy === 'new_contacts_only') {
      if (given.length === 0) return;
      const message = 'With the policy "new_contacts_only" everybody inside stays where they are: there is nobody to place.';
      throw new VersionInvalidError([{ path: `placements.${given[0]}`, code: 'placement_not_needed', message }]);
    }
    const steps = await this.steps.listAll(tx, tenantId, id);
    const standing = await this.moves.standing(tx, tenantId, id);
    const situation: Situation = { steps, target: change.target, standing, tests: new Map() };
    this.placements(placesOf(situation), situation, change);
  }

  /** The placements by step, in lower case; throws unless they are right and leave nobody without a place. */
  private placements(places: Place[], situation: Situation, { placements }: Change): ReadonlyMap<string, string> {
    const unreadable = placementTypeProblems(placements);
    if (unreadable.length > 0) throw new VersionInvalidError(unreadable);
    const given = new Map(Object.entries(placements).map(([from, to]) => [from.toLowerCase(), to.toLowerCase()]));
    const problems = placementProblems(situation, places, given);
    if (problems.length > 0) throw new VersionInvalidError(problems);
    const missing = unplaced(places, given);
    if (missing.length > 0) throw new PlacementMissingError(situation.target, missing);
    return given;
  }

  private async assertFit(tx: Tx, { tenantId, id }: Campaign, version: number, occasion: Change['occasion']): Promise<CampaignVersion> {
    const found = await this.queries.find(tx, tenantId, id, version);
    if (!found) throw new VersionNotFoundError();
    if (occasion === 'publish' && found.status !== 'draft') throw new VersionStateError(version, found.status, 'published', 'draft');
    if (occasion === 'rollback' && found.status !== 'live') throw new VersionStateError(version, found.status, 'rolled back', 'live');
    if (occasion === 'rollback' && found.basedOn === null) throw new NoVersionBeforeError(version);
    return found;
  }

  /** Tests that a new version leaves as they are go on: their messages are counted together. */
  private async continueTests(tx: Tx, { tenantId, id, stepsVersion }: Campaign, target: number): Promise<void> {
    const load = async (version: number): Promise<CampaignStep[]> =>
      this.steps.withTemplates(tx, tenantId, await this.steps.list(tx, tenantId, id, version));
    const former = new Map((await load(stepsVersion)).map((step) => [step.lineageId, step]));
    const pairs = (await load(target)).flatMap((step) => {
      const old = former.get(step.lineageId);
      if (!old || step.variants.length === 0 || testOf(old) !== testOf(step)) return [];
      return step.variants.map(({ id: to }, index) => ({ from: old.variants[index].id, to }));
    });
    await this.steps.continueTests(tx, tenantId, pairs);
  }
}
