import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Page } from '../../shared/page.js';
import { CampaignsService, type Campaign } from '../campaigns/index.js';
import { AuditService, type Role, type TenantContext } from '../identity/index.js';
import { changedSince, decisionsOf } from './approval-gate.js';
import { ApprovalNotFoundError, ApprovalStateError, ApprovalVoidError, MayNotDecideError } from './approvals.errors.js';
import { ApprovalsQueries, type Person, type RequestRow } from './approvals.queries.js';
import { ContentQueries, type CampaignHands } from './content.queries.js';
import type { ContentPart } from './domain/content.js';
import { standingOf } from './domain/quorum.js';

/** A request with what has changed since it was made. */
export type ApprovalView = RequestRow & { changed: ContentPart[] };

const BATCH = 100;

/** Giving approval or refusing it: of the content as it is at that moment, by people who had no hand in it. */
@Injectable()
export class ApprovalsService {
  constructor(
    private readonly db: Database,
    private readonly queries: ApprovalsQueries,
    private readonly content: ContentQueries,
    private readonly campaigns: CampaignsService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
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
   * One person's say on an open stage. Throws `MayNotDecideError` (403) for whoever made, last changed or submitted the campaign, or wrote what it is
   * made of, for a key that one of these has made, and for whoever has not the stage's role, `ApprovalVoidError` (409) if the campaign has changed, `ApprovalStateError` (409) if there is nothing (more) to decide.
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
      const hands = await this.content.hands(tx, tenantId, campaignId, request.stepsVersion);
      assertFourEyes(person, request, hands);
      await this.assertOwnVoice(tx, ctx, request, hands);
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

  private async waitingFor(tx: Tx, tenantId: string, person: Person, before: string | null, limit: number): Promise<RequestRow[]> {
    const waiting: RequestRow[] = [];
    for (let after = before; ;) {
      const batch = await this.queries.pendingFor(tx, tenantId, person.role, after, BATCH);
      for (const request of batch) {
        const hands = await this.content.hands(tx, tenantId, request.campaignId, request.stepsVersion);
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

  /** The user whose credential it is; `MayNotDecideError` (403) if it is nobody's. */
  async personOf(tx: Tx, { tenantId, userId }: TenantContext): Promise<Person> {
    const person = userId === null ? null : await this.queries.person(tx, tenantId, userId);
    if (person) return person;
    throw new MayNotDecideError(
      'approver_unknown',
      'Approvals are between people: use a credential that belongs to a user of this tenant.',
    );
  }

  /** Who makes a key in somebody's name has it in their hands: nobody approves their own work as another. */
  private async assertOwnVoice(tx: Tx, { tenantId, actor }: TenantContext, request: RequestRow, hands: CampaignHands): Promise<void> {
    const issuer = actor.type === 'api_key' && actor.id !== null ? await this.content.issuerOf(tx, tenantId, actor.id) : null;
    if (issuer === null || !isInvolved(issuer, request, hands)) return;
    throw new MayNotDecideError(
      'four_eyes',
      'This API key was made by somebody who made, last changed or submitted this campaign or what it is made of: use a JWT, or a key that somebody else made.',
    );
  }

  private async mustFind(tx: Tx, tenantId: string, campaignId: string, id: string): Promise<RequestRow> {
    const request = await this.queries.find(tx, tenantId, campaignId, id);
    if (!request) throw new ApprovalNotFoundError();
    return request;
  }

  /** `ApprovalNotFoundError` also for another campaign's; in the caller's transaction. */
  async view(tx: Tx, tenantId: string, campaignId: string, id: string): Promise<ApprovalView> {
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

function isInvolved(id: string, { requestedBy }: RequestRow, { createdBy, lastEditedBy, contentBy }: CampaignHands): boolean {
  return [createdBy, lastEditedBy, requestedBy, ...contentBy].includes(id);
}

function assertFourEyes({ id }: Person, { requestedBy }: RequestRow, { createdBy, lastEditedBy, contentBy }: CampaignHands): void {
  const part = id === createdBy ? 'made' : id === lastEditedBy ? 'last changed' : id === requestedBy ? 'submitted' : null;
  if (contentBy.includes(id))
    throw new MayNotDecideError(
      'four_eyes',
      'You last changed a template or segment of this campaign: somebody else must decide about it.',
    );
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
