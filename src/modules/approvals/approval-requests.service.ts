import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { DomainError, type Problem } from '../../shared/domain-error.js';
import { Ids } from '../../shared/ids.js';
import {
  CampaignAudience,
  CampaignChangedError,
  CampaignLaunchService,
  CampaignsService,
  CampaignStateError,
  CampaignSteps,
  EDITABLE_STATUSES,
  isAboutApproval,
  isOpenEnded,
  type AudienceBreakdown,
  type Campaign,
  type CampaignStatus,
  type LaunchFinding,
  type Preflight,
} from '../campaigns/index.js';
import { AuditService, type Role, type TenantContext } from '../identity/index.js';
import { ApprovalGate, decisionsOf, isOutgrown } from './approval-gate.js';
import { ApprovalRequestInvalidError, ApprovalStateError, ApprovalUselessError } from './approvals.errors.js';
import { ApprovalsQueries, type Person } from './approvals.queries.js';
import { ApprovalsService, type ApprovalView } from './approvals.service.js';
import { ContentQueries } from './content.queries.js';
import { satisfies, type Stage } from './domain/quorum.js';
import { Rehearsals } from './rehearsals.js';

/** What somebody who asks for approval may say. */
export interface ApprovalWish {
  /** Only where no policy says it. */
  stages?: Stage[];
  /** Who is asked in a role; everybody with it if not named. */
  approvers?: { role: Role; userIds: string[] }[];
  message?: string;
  /** Another version of the steps of a campaign under way. */
  version?: number;
}

/** What approvers are shown, and the hash of what they are shown. */
interface Exhibits {
  hash: Buffer;
  audience: AudienceBreakdown | null;
  warnings: LaunchFinding[];
  rehearsal: object | null;
}

/** What would be asked for now. */
interface Renewal {
  hash: Buffer;
  size: number | null;
  required: readonly Stage[];
  at: Date;
}

const SUBMITTABLE: readonly CampaignStatus[] = ['draft', 'scheduled', 'active', 'paused'];
/** As many are asked by name in each stage; others with the role may answer all the same. */
const MAX_ASKED = 100;

/** Asking for approval: of the campaign as it is, of people who had no hand in it. */
@Injectable()
export class ApprovalRequestsService {
  constructor(
    private readonly db: Database,
    private readonly queries: ApprovalsQueries,
    private readonly content: ContentQueries,
    private readonly gate: ApprovalGate,
    private readonly approvals: ApprovalsService,
    private readonly campaigns: CampaignsService,
    private readonly launching: CampaignLaunchService,
    private readonly versions: CampaignSteps,
    private readonly audience: CampaignAudience,
    private readonly rehearsals: Rehearsals,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Begins a round about the campaign as it is, or about another `version` of the steps of one under way. Refused (422) where the launch or the publishing
   * would be refused anyhow, and where there are not enough people who may approve; 409 if the same content is being decided, or approved, or is changed
   * while it is looked at. A pending round about other content is over with it.
   */
  async request(ctx: TenantContext, campaignId: string, wish: ApprovalWish): Promise<ApprovalView> {
    const { tenantId } = ctx;
    const shown = await this.exhibits(ctx, campaignId, wish.version);
    const id = this.ids.uuid();
    return this.db.inTenant(tenantId, async (tx) => {
      const campaign = await this.campaigns.lock(tx, tenantId, campaignId);
      const stepsVersion = wish.version ?? campaign.stepsVersion;
      await this.assertSubmittable(tx, campaign, stepsVersion);
      const requester = await this.approvals.personOf(tx, ctx);
      const size = isOpenEnded(campaign) ? null : (shown.audience?.audience ?? null);
      const required = await this.gate.required(tx, campaign, size);
      const { hash, parts } = await this.content.hash(tx, tenantId, campaignId, stepsVersion);
      if (!hash.equals(shown.hash)) throw new CampaignChangedError(campaign.status);
      const now = this.clock.now();
      await this.endFormer(tx, campaign, { hash, size, required, at: now });
      const stages = staged(required, wish);
      const asked = await this.askable(tx, { ...campaign, stepsVersion }, stages, requester);
      const request = {
        id,
        campaignId,
        round: await this.queries.nextRound(tx, tenantId, campaignId),
        stepsVersion,
        stages,
        contentHash: hash,
        parts,
        audience: shown.audience,
        preflight: { warnings: shown.warnings },
        rehearsal: shown.rehearsal,
        message: wish.message ?? null,
        requestedBy: requester.id,
        requestedAt: now,
      };
      await this.queries.insert(tx, tenantId, request, asked);
      const after = { round: request.round, stepsVersion, stages, contentHash: hash.toString('hex') };
      await this.audit.record(tx, ctx, { action: 'approval.requested', entityType: 'campaign', entityId: campaignId, after });
      return this.approvals.view(tx, tenantId, campaignId, id);
    });
  }

  /** Slow, so with no transaction open: that it is about what the request is bound to is seen by the hash. */
  private async exhibits(ctx: TenantContext, campaignId: string, wished: number | undefined): Promise<Exhibits> {
    const { tenantId } = ctx;
    const { campaign, version, hash } = await this.db.inTenant(tenantId, async (tx) => {
      const found = await this.campaigns.get(tx, tenantId, campaignId);
      const stepsVersion = wished ?? found.stepsVersion;
      await this.assertSubmittable(tx, found, stepsVersion);
      await this.approvals.personOf(tx, ctx);
      return { campaign: found, version: stepsVersion, ...(await this.content.hash(tx, tenantId, campaignId, stepsVersion)) };
    });
    const { errors, warnings, exclusions } =
      wished === undefined
        ? await this.launching.preflight(ctx, campaignId)
        : await this.preflightOf({ ...campaign, stepsVersion: version });
    // What is missing for want of their approval is no fault.
    const faults = errors.filter((error) => !isAboutApproval(error));
    if (faults.length > 0 && (EDITABLE_STATUSES.includes(campaign.status) || wished !== undefined)) throw new ApprovalUselessError(faults);
    const { rehearsal, missing } = await this.rehearse(ctx, campaignId, version);
    return { hash, audience: exclusions, warnings: [...warnings, ...missing], rehearsal };
  }

  /** Approvers learn that there is none; only where others are under way the request is refused (429), as it is worth repeating in seconds. */
  private async rehearse(
    ctx: TenantContext,
    campaignId: string,
    version: number,
  ): Promise<{ rehearsal: object | null; missing: LaunchFinding[] }> {
    try {
      return { rehearsal: await this.rehearsals.of(ctx, campaignId, version), missing: [] };
    } catch (error) {
      if (!(error instanceof DomainError) || error.category === 'rate_limited') throw error;
      const message = `No rehearsal could be made: ${error.message}`;
      return { rehearsal: null, missing: [{ severity: 'warning', code: 'rehearsal_missing', path: 'rehearsal', message }] };
    }
  }

  private async preflightOf(campaign: Campaign): Promise<Omit<Preflight, 'ready'>> {
    const findings = await this.versions.findings(campaign);
    return {
      errors: findings.filter(({ severity }) => severity === 'error'),
      warnings: findings.filter(({ severity }) => severity === 'warning'),
      exclusions: await this.audience.breakdown(campaign, this.clock.now()),
    };
  }

  private async assertSubmittable(tx: Tx, campaign: Campaign, version: number): Promise<void> {
    const { tenantId, id, status, stepsVersion } = campaign;
    if (!SUBMITTABLE.includes(status)) throw new CampaignStateError('submitted for approval', status, SUBMITTABLE);
    if (version === stepsVersion || (await this.content.hasSteps(tx, tenantId, id, version))) return;
    const message = `The campaign has no version ${version} of its steps.`;
    throw new ApprovalRequestInvalidError([{ path: 'version', code: 'no_such_version', message }]);
  }

  /** What was asked for before is over, unless it is about this very content. */
  private async endFormer(tx: Tx, campaign: Campaign, now: Renewal): Promise<void> {
    const { tenantId, id } = campaign;
    const { hash, size, required, at } = now;
    const approved = await this.queries.approved(tx, tenantId, id, hash);
    if (approved && satisfies(required, decisionsOf(approved)) && !isOutgrown(approved, campaign, size)) {
      throw new ApprovalStateError('The campaign is approved as it is: nothing has changed since.', 'approved');
    }
    const latest = await this.queries.latest(tx, tenantId, id);
    if (!latest || latest.usedAt !== null || latest.status === 'rejected') return;
    if (latest.status === 'pending' && latest.contentHash.equals(hash)) {
      throw new ApprovalStateError('Approval of the campaign as it is has been asked for already.', 'pending');
    }
    await this.queries.close(tx, tenantId, latest, 'void', at);
  }

  /** Whom each stage asks: those who are named, else everybody with the role; never anybody who had a hand in it. */
  private async askable(
    tx: Tx,
    { tenantId, id, stepsVersion }: Campaign,
    stages: readonly Stage[],
    requester: Person,
  ): Promise<{ role: Role; approverIds: string[] }[]> {
    const hands = await this.content.hands(tx, tenantId, id, stepsVersion);
    const involved = new Set([hands.createdBy, hands.lastEditedBy, ...hands.contentBy, requester.id]);
    const people = await this.queries.people(tx, tenantId, stages.map(({ role }) => role)); // prettier-ignore
    const problems: Problem[] = [];
    const asked = stages.map(({ role, quorum, approverIds }) => {
      const able = people.filter((person) => person.role === role && !involved.has(person.id)).map((person) => person.id);
      for (const userId of approverIds ?? []) {
        if (able.includes(userId)) continue;
        const message = `${userId} cannot approve as ${role}: no user with that role, or one who made, last changed or submits the campaign, or a template or segment of it.`;
        problems.push({ path: 'approvers', code: 'not_an_approver', message });
      }
      const chosen = approverIds ? able.filter((userId) => approverIds.includes(userId)) : able;
      if (chosen.length < quorum && problems.length === 0) {
        const message = `${quorum} × ${role} must approve, but ${chosen.length} can: whoever made, last changed or submits the campaign, or a template or segment of it, does not count.`;
        problems.push({ path: 'stages', code: 'too_few_approvers', message });
      }
      return { role, approverIds: chosen.slice(0, MAX_ASKED) };
    });
    if (problems.length > 0) throw new ApprovalRequestInvalidError(problems);
    return asked;
  }
}

/** The stages that are asked, with those who are named in them. */
function staged(required: readonly Stage[], { stages, approvers = [] }: ApprovalWish): Stage[] {
  if (required.length > 0 && stages) {
    throw new ApprovalRequestInvalidError([
      { path: 'stages', code: 'set_by_policy', message: 'A policy says who must approve: leave out stages.' },
    ]);
  }
  const asked = required.length > 0 ? required : stages;
  if (!asked) {
    const message = 'No policy asks for approval of this campaign. To ask for it nevertheless, say in stages who shall approve.';
    throw new ApprovalRequestInvalidError([{ path: 'stages', code: 'stages_missing', message }]);
  }
  const stray = approvers.findIndex(({ role }) => !asked.some((stage) => stage.role === role));
  if (stray !== -1) {
    const message = `No stage asks ${approvers[stray].role}.`;
    throw new ApprovalRequestInvalidError([{ path: `approvers[${stray}].role`, code: 'no_such_stage', message }]);
  }
  const named = new Map(approvers.map(({ role, userIds }) => [role, userIds.map((id) => id.toLowerCase())]));
  return asked.map(({ role, quorum }) => ({ role, quorum, approverIds: named.get(role) ?? null }));
}
