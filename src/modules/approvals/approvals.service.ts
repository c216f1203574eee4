import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import {
  CampaignAudience,
  CampaignLaunchService,
  CampaignsService,
  CampaignStateError,
  CampaignSteps,
  EDITABLE_STATUSES,
  isAboutApproval,
  isOpenEnded,
  type Campaign,
  type CampaignStatus,
  type Preflight,
} from '../campaigns/index.js';
import { AuditService, type Role, type TenantContext } from '../identity/index.js';
import { ApprovalGate, changedSince, decisionsOf } from './approval-gate.js';
import {
  ApprovalNotFoundError,
  ApprovalRequestInvalidError,
  ApprovalStateError,
  ApprovalUselessError,
  ApprovalVoidError,
  MayNotDecideError,
} from './approvals.errors.js';
import { ApprovalsQueries, type CampaignHands, type Person, type RequestRow } from './approvals.queries.js';
import { ContentQueries } from './content.queries.js';
import type { ContentPart } from './domain/content.js';
import { satisfies, standingOf, type Stage } from './domain/quorum.js';

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

/** A request with what has changed since it was made. */
export type ApprovalView = RequestRow & { changed: ContentPart[] };

const SUBMITTABLE: readonly CampaignStatus[] = ['draft', 'scheduled', 'active', 'paused'];
const BATCH = 100;

/** Asking for approval, and giving it: bound to the content as it is at that moment, by people who had no hand in it. */
@Injectable()
export class ApprovalsService {
  constructor(
    private readonly db: Database,
    private readonly queries: ApprovalsQueries,
    private readonly content: ContentQueries,
    private readonly gate: ApprovalGate,
    private readonly campaigns: CampaignsService,
    private readonly launching: CampaignLaunchService,
    private readonly versions: CampaignSteps,
    private readonly audience: CampaignAudience,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** The rounds of a campaign, the newest first. */
  async list({ tenantId }: TenantContext, campaignId: string, { limit, cursor }: PageQuery): Promise<Page<ApprovalView>> {
    const before = decodeIdCursor(cursor);
    return this.db.inTenant(tenantId, async (tx) => {
      await this.campaigns.get(tx, tenantId, campaignId);
      const found = await this.queries.list(tx, tenantId, campaignId, before, limit + 1);
      return keysetPage(await this.views(tx, tenantId, found), limit, ({ id }) => ({ id }));
    });
  }

  async show({ tenantId }: TenantContext, campaignId: string, id: string): Promise<ApprovalView> {
    return this.db.inTenant(tenantId, (tx) => this.view(tx, tenantId, campaignId, id));
  }

  /** What waits for this user now, or what they have decided; the newest first. Empty for a credential without a user. */
  async mine(ctx: TenantContext, status: 'pending' | 'approved' | 'rejected', { limit, cursor }: PageQuery): Promise<Page<ApprovalView>> {
    const { tenantId, userId } = ctx;
    const before = decodeIdCursor(cursor);
    return this.db.inTenant(tenantId, async (tx) => {
      const person = userId === null ? null : await this.queries.person(tx, tenantId, userId);
      if (!person) return { data: [], nextCursor: null };
      const found =
        status === 'pending'
          ? await this.waitingFor(tx, tenantId, person, before, limit + 1)
          : await this.queries.decidedBy(tx, tenantId, person.id, status, { before, limit: limit + 1 });
      return keysetPage(await this.views(tx, tenantId, found), limit, ({ id }) => ({ id }));
    });
  }

  /**
   * Begins a round about the campaign as it is, or about another `version` of the steps of one under way. Refused (422) where the launch or the publishing
   * would be refused anyhow, and where there are not enough people who may approve; 409 if the same content is being decided, or approved. A pending
   * round about other content is over with it.
   */
  async request(ctx: TenantContext, campaignId: string, wish: ApprovalWish): Promise<ApprovalView> {
    const { tenantId } = ctx;
    const { errors, warnings, exclusions } = await this.preflight(ctx, campaignId, wish.version);
    const id = this.ids.uuid();
    return this.db.inTenant(tenantId, async (tx) => {
      const campaign = await this.campaigns.lock(tx, tenantId, campaignId);
      const stepsVersion = wish.version ?? campaign.stepsVersion;
      await this.assertSubmittable(tx, campaign, stepsVersion);
      const requester = await this.personOf(tx, ctx);
      if (errors.length > 0 && (EDITABLE_STATUSES.includes(campaign.status) || wish.version !== undefined))
        throw new ApprovalUselessError(errors);
      const required = await this.gate.required(tx, campaign, isOpenEnded(campaign) ? null : (exclusions?.audience ?? null));
      const { hash, parts } = await this.content.hash(tx, tenantId, campaignId, stepsVersion);
      const now = this.clock.now();
      await this.endFormer(tx, campaign, hash, required, now);
      const stages = staged(required, wish);
      const asked = await this.askable(tx, campaign, stages, requester);
      const request = {
        id,
        campaignId,
        round: await this.queries.nextRound(tx, tenantId, campaignId),
        stepsVersion,
        stages,
        contentHash: hash,
        parts,
        audience: exclusions,
        preflight: { warnings },
        message: wish.message ?? null,
        requestedBy: requester.id,
        requestedAt: now,
      };
      await this.queries.insert(tx, tenantId, request, asked);
      await this.record(tx, ctx, 'requested', request, { round: request.round, stepsVersion, stages, contentHash: hash.toString('hex') });
      return this.view(tx, tenantId, campaignId, id);
    });
  }

  /** What the approvers are shown, without what is missing for want of their approval. */
  private async preflight(ctx: TenantContext, campaignId: string, version: number | undefined): Promise<Omit<Preflight, 'ready'>> {
    const preflight =
      version === undefined ? await this.launching.preflight(ctx, campaignId) : await this.preflightOf(ctx, campaignId, version);
    return { ...preflight, errors: preflight.errors.filter((error) => !isAboutApproval(error)) };
  }

  private async preflightOf({ tenantId }: TenantContext, campaignId: string, version: number): Promise<Omit<Preflight, 'ready'>> {
    const campaign = await this.db.inTenant(tenantId, async (tx) => {
      const found = await this.campaigns.get(tx, tenantId, campaignId);
      await this.assertSubmittable(tx, found, version);
      return { ...found, stepsVersion: version };
    });
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

  /**
   * One person's say on an open stage. Throws `MayNotDecideError` (403) for whoever made, last changed or submitted the campaign and for whoever has
   * not the stage's role, `ApprovalVoidError` (409) if the campaign has changed, `ApprovalStateError` (409) if there is nothing (more) to decide.
   */
  async decide(
    ctx: TenantContext,
    campaignId: string,
    id: string,
    decision: { status: 'approved' | 'rejected'; comments?: string },
  ): Promise<ApprovalView> {
    const { tenantId } = ctx;
    const { status, comments = null } = decision;
    return this.db.inTenant(tenantId, async (tx) => {
      const campaign = await this.campaigns.lock(tx, tenantId, campaignId);
      const request = await this.mustFind(tx, tenantId, campaignId, id);
      const person = await this.personOf(tx, ctx);
      assertFourEyes(person, request, await this.queries.hands(tx, tenantId, campaignId));
      if (request.status !== 'pending') throw new ApprovalStateError(`This approval is ${request.status} already.`, request.status);
      await this.assertUnchanged(tx, campaign, request);
      const role = openRole(request, person);
      const at = this.clock.now();
      await this.queries.decide(tx, tenantId, request, { approverId: person.id, role, status, comments, at });
      const standing = standingOf(request.stages, [...decisionsOf(request), { approverId: person.id, role, status }]);
      if (standing.status !== 'pending') await this.queries.close(tx, tenantId, request, standing.status, at);
      await this.record(tx, ctx, status, request, { round: request.round, role, result: standing.status });
      return this.view(tx, tenantId, campaignId, id);
    });
  }

  /** Takes a pending request back. */
  async withdraw(ctx: TenantContext, campaignId: string, id: string): Promise<ApprovalView> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      await this.campaigns.lock(tx, tenantId, campaignId);
      const request = await this.mustFind(tx, tenantId, campaignId, id);
      if (request.status !== 'pending') throw new ApprovalStateError(`This approval is ${request.status} already.`, request.status);
      await this.queries.close(tx, tenantId, request, 'withdrawn', this.clock.now());
      await this.record(tx, ctx, 'withdrawn', request, { round: request.round });
      return this.view(tx, tenantId, campaignId, id);
    });
  }

  /** What was asked for before is over, unless it is about this very content. */
  private async endFormer(tx: Tx, campaign: Campaign, hash: Buffer, required: readonly Stage[], at: Date): Promise<void> {
    const { tenantId, id } = campaign;
    const approved = await this.queries.approved(tx, tenantId, id, hash);
    if (approved && satisfies(required, decisionsOf(approved))) {
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
    { tenantId, id }: Campaign,
    stages: readonly Stage[],
    requester: Person,
  ): Promise<{ role: Role; approverIds: string[] }[]> {
    const hands = await this.queries.hands(tx, tenantId, id);
    const involved = new Set([hands.createdBy, hands.lastEditedBy, requester.id]);
    const people = await this.queries.people(tx, tenantId, stages.map(({ role }) => role)); // prettier-ignore
    const problems: Problem[] = [];
    const asked = stages.map(({ role, quorum, approverIds }) => {
      const able = people.filter((person) => person.role === role && !involved.has(person.id)).map((person) => person.id);
      for (const userId of approverIds ?? []) {
        if (able.includes(userId)) continue;
        const message = `${userId} cannot approve as ${role}: no user with that role, or one who made, last changed or submits the campaign.`;
        problems.push({ path: 'approvers', code: 'not_an_approver', message });
      }
      const chosen = approverIds ? able.filter((userId) => approverIds.includes(userId)) : able;
      if (chosen.length < quorum && problems.length === 0) {
        const message = `${quorum} × ${role} must approve, but ${chosen.length} can: whoever made, last changed or submits the campaign does not count.`;
        problems.push({ path: 'stages', code: 'too_few_approvers', message });
      }
      return { role, approverIds: chosen.slice(0, BATCH) };
    });
    if (problems.length > 0) throw new ApprovalRequestInvalidError(problems);
    return asked;
  }

  private async waitingFor(tx: Tx, tenantId: string, person: Person, before: string | null, limit: number): Promise<RequestRow[]> {
    const waiting: RequestRow[] = [];
    for (let after = before; ;) {
      const batch = await this.queries.pendingFor(tx, tenantId, person.role, after, BATCH);
      for (const request of batch) {
        const hands = await this.queries.hands(tx, tenantId, request.campaignId);
        if (mayDecide(request, person, hands)) waiting.push(request);
      }
      if (batch.length < BATCH || waiting.length >= limit) return waiting.slice(0, limit);
      after = batch[batch.length - 1].id;
    }
  }

  private async assertUnchanged(tx: Tx, campaign: Campaign, request: RequestRow): Promise<void> {
    const present = await this.content.hash(tx, campaign.tenantId, campaign.id, request.stepsVersion);
    const changed = changedSince(request, present);
    if (changed.length > 0) throw new ApprovalVoidError(changed);
  }

  private async personOf(tx: Tx, { tenantId, userId }: TenantContext): Promise<Person> {
    const person = userId === null ? null : await this.queries.person(tx, tenantId, userId);
    if (person) return person;
    throw new MayNotDecideError(
      'approver_unknown',
      'Approvals are between people: use a credential that belongs to a user of this tenant.',
    );
  }

  private async mustFind(tx: Tx, tenantId: string, campaignId: string, id: string): Promise<RequestRow> {
    const request = await this.queries.find(tx, tenantId, campaignId, id);
    if (!request) throw new ApprovalNotFoundError();
    return request;
  }

  private async view(tx: Tx, tenantId: string, campaignId: string, id: string): Promise<ApprovalView> {
    await this.campaigns.get(tx, tenantId, campaignId);
    return (await this.views(tx, tenantId, [await this.mustFind(tx, tenantId, campaignId, id)]))[0];
  }

  /** Each campaign's content is looked at once for each version of its steps, and only where a request still matters. */
  private async views(tx: Tx, tenantId: string, requests: RequestRow[]): Promise<ApprovalView[]> {
    const known = new Map<string, ReturnType<ContentQueries['hash']>>();
    const views: ApprovalView[] = [];
    for (const request of requests) {
      const { campaignId, stepsVersion, status, usedAt } = request;
      const matters = usedAt === null && (status === 'pending' || status === 'approved');
      if (!matters) {
        views.push({ ...request, changed: [] });
        continue;
      }
      const key = `${campaignId}/${stepsVersion}`;
      const present = await (known.get(key) ?? this.content.hash(tx, tenantId, campaignId, stepsVersion));
      known.set(key, Promise.resolve(present));
      views.push({ ...request, changed: changedSince(request, present) });
    }
    return views;
  }

  private async record(tx: Tx, ctx: TenantContext, verb: string, { campaignId }: { campaignId: string }, after: object): Promise<void> {
    await this.audit.record(tx, ctx, { action: `approval.${verb}`, entityType: 'campaign', entityId: campaignId, after });
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

function assertFourEyes({ id }: Person, { requestedBy }: RequestRow, { createdBy, lastEditedBy }: CampaignHands): void {
  const part = id === createdBy ? 'made' : id === lastEditedBy ? 'last changed' : id === requestedBy ? 'submitted' : null;
  if (part) throw new MayNotDecideError('four_eyes', `You ${part} this campaign: somebody else must decide about it.`);
}

/** The role in which this person may speak now. */
function openRole(request: RequestRow, { id, role }: Person): Role {
  const { open } = standingOf(request.stages, decisionsOf(request));
  if (decisionsOf(request).some(({ approverId }) => approverId === id))
    throw new ApprovalStateError('You have decided already.', request.status);
  const stage = request.stages[open!];
  if (stage.role !== role) {
    if (request.stages.slice(open! + 1).some((later) => later.role === role)) {
      throw new ApprovalStateError(`The stage of ${role} is not open yet: it waits for ${stage.role}.`, request.status);
    }
    throw new MayNotDecideError('not_an_approver', `This waits for ${stage.role}; your role is ${role}.`);
  }
  if (stage.approverIds && !stage.approverIds.includes(id))
    throw new MayNotDecideError('not_an_approver', 'Others were named to decide this.');
  return role;
}

function mayDecide(request: RequestRow, person: Person, hands: CampaignHands): boolean {
  try {
    assertFourEyes(person, request, hands);
    openRole(request, person);
    return true;
  } catch {
    return false;
  }
}
