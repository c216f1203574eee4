import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { CampaignSteps, CampaignsService, type Campaign } from '../campaigns/index.js';
import { VersionMoves } from '../enrollment/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { StepVersions, type CampaignStep, type FlowItem } from '../steps/index.js';
import { diffOf, type VersionDiff } from './domain/diff.js';
import { linesOf, type Continues } from './domain/lines.js';
import { placesOf, type Place } from './domain/moves.js';
import type { CampaignVersion } from './domain/version.js';
import { DraftOpenError, VersionInvalidError, VersionNotFoundError, VersionStateError } from './versions.errors.js';
import { VersionsQueries } from './versions.queries.js';

/** A step of a draft as the author sends it. */
export type DraftedStep = FlowItem & { continues?: Continues };

export interface ComparedVersions {
  from: number;
  to: number;
  diff: VersionDiff;
}

export interface VersionDetail {
  version: CampaignVersion;
  steps: CampaignStep[];
  /** The step of the live version that each goes on with, by line. */
  live: CampaignStep[];
  compared: ComparedVersions | null;
  places: Place[] | null;
}

/** Versions of the steps of a campaign under way: looked at, drafted, edited, discarded. What is or was live never changes. */
@Injectable()
export class VersionsService {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: VersionsQueries,
    private readonly campaigns: CampaignsService,
    private readonly campaignSteps: CampaignSteps,
    private readonly steps: StepVersions,
    private readonly moves: VersionMoves,
    private readonly audit: AuditService,
  ) {}

  /** Newest first; none before the launch. */
  async list(ctx: TenantContext, campaignId: string): Promise<CampaignVersion[]> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.campaigns.get(tx, ctx.tenantId, campaignId);
      return this.queries.list(tx, ctx.tenantId, campaignId);
    });
  }

  /** A draft with the steps of the live version. `DraftOpenError` (409) if there is one. */
  async createDraft(ctx: TenantContext, campaignId: string): Promise<VersionDetail> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      const campaign = await this.campaignSteps.lock(tx, tenantId, campaignId);
      this.campaignSteps.assertUnderWay(campaign, 'edited in a new version');
      const open = (await this.queries.list(tx, tenantId, campaignId)).find(({ status }) => status === 'draft');
      if (open) throw new DraftOpenError(open.version);
      const basedOn = campaign.stepsVersion;
      const draft = await this.queries.draft(tx, tenantId, campaignId, { basedOn, by: ctx.userId, now: this.clock.now() });
      await this.steps.copy(tx, tenantId, campaignId, basedOn, draft.version);
      await this.campaigns.noteEditor(tx, ctx, campaignId);
      await this.record(tx, ctx, 'version_drafted', draft);
      return this.detailOf(tx, campaign, draft);
    });
  }

  async get(ctx: TenantContext, campaignId: string, version: number): Promise<VersionDetail> {
    return this.reading(ctx, campaignId, version, (tx, campaign, found) => this.detailOf(tx, campaign, found));
  }

  /** Of a draft, and of a version that was live, against the live one; of the live one against the one before. */
  async diff(ctx: TenantContext, campaignId: string, version: number): Promise<ComparedVersions> {
    return this.reading(ctx, campaignId, version, (tx, campaign, found) => this.compare(tx, campaign, found));
  }

  /** What publishing this version would mean for the people inside. */
  async impact(ctx: TenantContext, campaignId: string, version: number): Promise<{ version: CampaignVersion; places: Place[] }> {
    return this.reading(ctx, campaignId, version, async (tx, campaign, found) => ({
      version: found,
      places: await this.places(tx, campaign, found),
    }));
  }

  /** Replaces all steps of a draft; the steps get new ids. All of it is saved or nothing. */
  async saveSteps(ctx: TenantContext, campaignId: string, version: number, items: DraftedStep[]): Promise<VersionDetail> {
    const { tenantId } = ctx;
    const known = await this.reading(ctx, campaignId, version, async (tx, { id }, found) => {
      assertDraft(found, 'edited');
      return this.steps.listAll(tx, tenantId, id);
    });
    const drafted = items.map(({ continues: _continues, ...item }) => item);
    const reviewed = await this.steps.review(drafted, known);
    return this.db.inTenant(tenantId, async (tx) => {
      const campaign = await this.campaignSteps.lock(tx, tenantId, campaignId);
      const draft = await this.find(tx, campaign, version);
      assertDraft(draft, 'edited');
      const published = (await this.steps.listAll(tx, tenantId, campaignId)).filter((step) => step.version !== version);
      const live = published.filter((step) => step.version === campaign.stepsVersion);
      const wishes = items.map(({ continues }) => continues);
      const { lines, problems } = linesOf(reviewed, wishes, { live, published });
      if (problems.length > 0) throw new VersionInvalidError(problems);
      const lined = reviewed.map((step, index) => ({ ...step, lineageId: lines[index] }));
      await this.steps.save(tx, tenantId, campaignId, version, lined);
      await this.campaigns.noteEditor(tx, ctx, campaignId);
      await this.record(tx, ctx, 'version_edited', draft);
      return this.detailOf(tx, campaign, draft);
    });
  }

  /** Its number is not used again. */
  async discard(ctx: TenantContext, campaignId: string, version: number): Promise<void> {
    const { tenantId } = ctx;
    await this.db.inTenant(tenantId, async (tx) => {
      const campaign = await this.campaignSteps.lock(tx, tenantId, campaignId);
      const draft = await this.find(tx, campaign, version);
      assertDraft(draft, 'discarded');
      await this.steps.remove(tx, tenantId, campaignId, version);
      await this.queries.discard(tx, tenantId, campaignId, version);
      await this.record(tx, ctx, 'version_discarded', draft);
    });
  }

  private reading<T>(
    ctx: TenantContext,
    campaignId: string,
    version: number,
    fn: (tx: Tx, campaign: Campaign, found: CampaignVersion) => Promise<T>,
  ): Promise<T> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.campaigns.get(tx, ctx.tenantId, campaignId);
      return fn(tx, campaign, await this.find(tx, campaign, version));
    });
  }

  private async find(tx: Tx, { tenantId, id }: Campaign, version: number): Promise<CampaignVersion> {
    const found = await this.queries.find(tx, tenantId, id, version);
    if (!found) throw new VersionNotFoundError();
    return found;
  }

  private async detailOf(tx: Tx, campaign: Campaign, version: CampaignVersion): Promise<VersionDetail> {
    const { tenantId, id } = campaign;
    const steps = await this.steps.list(tx, tenantId, id, version.version);
    const live = await this.steps.list(tx, tenantId, id, campaign.stepsVersion);
    if (version.status === 'discarded') return { version, steps, live, compared: null, places: null };
    const compared = await this.compare(tx, campaign, version);
    return { version, steps, live, compared, places: await this.places(tx, campaign, version) };
  }

  private async compare(tx: Tx, { tenantId, id, stepsVersion }: Campaign, found: CampaignVersion): Promise<ComparedVersions> {
    const from = found.version === stepsVersion ? (found.basedOn ?? stepsVersion) : stepsVersion;
    const load = async (version: number): Promise<CampaignStep[]> =>
      this.steps.withTemplates(tx, tenantId, await this.steps.list(tx, tenantId, id, version));
    return { from, to: found.version, diff: diffOf(await load(from), await load(found.version)) };
  }

  private async places(tx: Tx, { tenantId, id, stepsVersion }: Campaign, { version }: CampaignVersion): Promise<Place[]> {
    const steps = await this.steps.listAll(tx, tenantId, id);
    const standing = await this.moves.standing(tx, tenantId, id);
    const places = placesOf({ steps, target: version, standing, tests: new Map() });
    return places.filter(({ step, contacts }) => contacts > 0 || step.version === stepsVersion);
  }

  private async record(tx: Tx, ctx: TenantContext, action: string, { campaignId, version, basedOn }: CampaignVersion): Promise<void> {
    await this.audit.record(tx, ctx, {
      action: `campaign.${action}`,
      entityType: 'campaign',
      entityId: campaignId,
      after: { version, basedOn },
    });
  }
}

function assertDraft({ version, status }: CampaignVersion, done: string): void {
  if (status !== 'draft') throw new VersionStateError(version, status, done, 'draft');
}
