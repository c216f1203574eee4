import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import {
  CampaignAudience,
  CampaignsService,
  isOpenEnded,
  LaunchRefusedError,
  PublishRefusedError,
  type Campaign,
  type LaunchCheck,
  type LaunchFinding,
  type LaunchOccasion,
  type LaunchPreparation,
} from '../campaigns/index.js';
import { SegmentsService } from '../segments/index.js';
import { ApprovalPoliciesQueries } from './approval-policies.queries.js';
import { ApprovalVoidError, AudienceApprovedError, AudienceOutgrownError } from './approvals.errors.js';
import { ApprovalsQueries, type DecisionRow, type RequestRow } from './approvals.queries.js';
import { ContentQueries } from './content.queries.js';
import { changedParts, type ContentHash, type ContentPart } from './domain/content.js';
import { covering, mergeStages, satisfies, standingOf, type Decision, type Stage } from './domain/quorum.js';
import { hasOutgrown } from './domain/reach.js';

interface Verdict {
  /** The approval on whose strength it may go out; null where none is needed, or where it may not. */
  approval: RequestRow | null;
  /** What stands in the way. */
  findings: LaunchFinding[];
}

/** Carried from `prepare` to `freeze`: whom the campaign would reach; null if it cannot be said. */
interface Prepared {
  audience: number | null;
}

/**
 * Where approvals are enforced: whatever makes content go out asks here, inside its own transaction and with the campaign's row locked. What is compared is
 * the hash of what is stored at that moment, so that nothing goes round it: neither an edit after the approval, nor a copy, nor a second attempt.
 */
@Injectable()
export class ApprovalGate implements LaunchCheck {
  readonly name = 'approvals';

  constructor(
    private readonly db: Database,
    private readonly policies: ApprovalPoliciesQueries,
    private readonly queries: ApprovalsQueries,
    private readonly content: ContentQueries,
    private readonly audience: CampaignAudience,
    private readonly campaigns: CampaignsService,
    private readonly segments: SegmentsService,
    private readonly clock: Clock,
  ) {}

  /** All is in `prepare`, which may take its time to count the audience. */
  check(): Promise<LaunchFinding[]> {
    return Promise.resolve([]);
  }

  async prepare(tenantId: string, campaign: Campaign): Promise<LaunchPreparation> {
    const audience = await this.sizeFor(campaign);
    const { findings } = await this.db.inTenant(tenantId, (tx) => this.judge(tx, campaign, audience));
    return { findings, prepared: { audience } satisfies Prepared };
  }

  /** A rollback needs no new approval: what it goes back to has been live. */
  async freeze(tx: Tx, campaign: Campaign, prepared: unknown, occasion: LaunchOccasion): Promise<void> {
    if (occasion === 'rollback') return;
    const { audience } = (prepared as Prepared | undefined) ?? { audience: null };
    await this.segments.holdRules(tx, campaign.tenantId);
    const { approval, findings } = await this.judge(tx, campaign, audience);
    if (findings.length > 0) throw occasion === 'publish' ? new PublishRefusedError(findings) : new LaunchRefusedError(findings);
    if (approval) await this.queries.markUsed(tx, campaign.tenantId, approval.id, this.clock.now());
  }

  /** Resuming what runs on an approval: the content must still be that, or approved as it is now. Of an audience that is inside already the rule may change. */
  async assertResumable(tx: Tx, campaign: Campaign): Promise<void> {
    await this.segments.holdRules(tx, campaign.tenantId);
    const { changed, renewed } = await this.changedInUse(tx, campaign);
    if (renewed) await this.queries.markUsed(tx, campaign.tenantId, renewed.id, this.clock.now());
    else if (changed.length > 0) throw new ApprovalVoidError(changed, 'The campaign is no longer what was approved');
  }

  /** Rules have changed: refused while they decide whom a running campaign still takes in that goes out on an approval. */
  async assertRulesMayChange(tx: Tx, tenantId: string): Promise<void> {
    for (const id of await this.queries.takingIn(tx, tenantId)) {
      const campaign = await this.campaigns.get(tx, tenantId, id);
      const { changed, renewed } = await this.changedInUse(tx, campaign);
      if (changed.includes('audience') && !renewed) throw new AudienceApprovedError(campaign.name, id);
    }
  }

  /**
   * Contacts were put in by hand: as many as were approved may be in it, however they got there, and without the approval that a policy asks for from so many
   * on, fewer than that. Of an audience without end no number was approved.
   */
  async assertMayEnter(tx: Tx, campaign: Campaign): Promise<void> {
    if (isOpenEnded(campaign)) return;
    const { tenantId, id, campaignType, totalContacts } = campaign;
    const used = await this.queries.inUse(tx, tenantId, id);
    const approved = used?.audience?.audience ?? null;
    if (hasOutgrown(approved, totalContacts)) throw new AudienceOutgrownError(totalContacts, approved);
    const sized = (await this.policies.all(tx, tenantId)).filter(({ minAudience }) => minAudience > 0);
    const required = mergeStages(covering(sized, campaignType, totalContacts));
    if (!satisfies(required, used ? decisionsOf(used) : [])) throw new AudienceOutgrownError(totalContacts, null);
  }

  /** What differs from what the campaign runs on, and the approval of what it is now, if there is one. */
  private async changedInUse(tx: Tx, campaign: Campaign): Promise<{ changed: ContentPart[]; renewed: RequestRow | null }> {
    const { tenantId, id, stepsVersion } = campaign;
    const used = await this.queries.inUse(tx, tenantId, id);
    if (!used) return { changed: [], renewed: null };
    const present = await this.content.hash(tx, tenantId, id, stepsVersion);
    const counts = (part: ContentPart) => part !== 'audience' || isOpenEnded(campaign) || campaign.launchState !== 'enrolled';
    const changed = changedParts(used.parts, present.parts).filter(counts);
    return { changed, renewed: changed.length === 0 ? null : await this.queries.approved(tx, tenantId, id, present.hash) };
  }

  /** What the tenant's policies ask for of a campaign that would reach so many. */
  async required(tx: Tx, { tenantId, campaignType }: Campaign, audience: number | null): Promise<Stage[]> {
    return mergeStages(covering(await this.policies.all(tx, tenantId), campaignType, audience));
  }

  /** Counted only where a policy or an approval is about a number. Who may come in as long as it runs cannot be counted. */
  private async sizeFor(campaign: Campaign): Promise<number | null> {
    if (isOpenEnded(campaign)) return null;
    const { tenantId, id } = campaign;
    const matters = await this.db.inTenant(tenantId, async (tx) => {
      const policies = await this.policies.all(tx, tenantId);
      return policies.some(({ minAudience }) => minAudience > 0) || (await this.queries.latest(tx, tenantId, id))?.status === 'approved';
    });
    if (!matters) return null;
    return (await this.audience.breakdown(campaign, this.clock.now()))?.audience ?? null;
  }

  private async judge(tx: Tx, campaign: Campaign, audience: number | null): Promise<Verdict> {
    const { tenantId, id, stepsVersion } = campaign;
    const required = await this.required(tx, campaign, audience);
    const latest = await this.queries.latest(tx, tenantId, id);
    if (required.length === 0 && !latest) return { approval: null, findings: [] };
    const present = await this.content.hash(tx, tenantId, id, stepsVersion);
    const approval = await this.queries.approved(tx, tenantId, id, present.hash);
    if (approval && satisfies(required, decisionsOf(approval))) {
      if (!isOutgrown(approval, campaign, audience)) return { approval, findings: [] };
      return { approval: null, findings: required.length > 0 ? [outgrown(approval, audience!)] : [] };
    }
    // Asked for of free will: no obligation, but while people consider it, or after they said no, it does not go out as it is.
    const isOpen = latest !== null && latest.status !== 'approved' && latest.contentHash.equals(present.hash);
    if (required.length === 0 && !isOpen) return { approval: null, findings: [] };
    return { approval: null, findings: obstacles(latest, present, required) };
  }
}

/** What approvers have said; those who are still asked have said nothing. */
export function decisionsOf({ decisions }: RequestRow): Decision[] {
  return decisions.filter((one): one is DecisionRow & Decision => one.status === 'approved' || one.status === 'rejected');
}

/** Whether so many people are more than the approval covers, as long as the audience is still to be taken in. */
export function isOutgrown({ audience }: RequestRow, campaign: Campaign, present: number | null): boolean {
  return !isOpenEnded(campaign) && campaign.launchState !== 'enrolled' && hasOutgrown(audience?.audience ?? null, present);
}

/** Which parts differ from what the approval was asked for; null once it does not matter any more. */
export function changedSince(request: RequestRow, present: ContentHash): ContentPart[] {
  const matters = request.usedAt === null && (request.status === 'pending' || request.status === 'approved');
  return matters ? changedParts(request.parts, present.parts) : [];
}

function obstacles(latest: RequestRow | null, present: ContentHash, required: readonly Stage[]): LaunchFinding[] {
  const asked = required.map(({ role, quorum }) => `${quorum} × ${role}`).join(', then ');
  if (!latest) return [finding('approval_missing', `It needs approval (${asked}): POST …/approvals asks for it.`)];
  const changed = changedParts(latest.parts, present.parts);
  if (changed.length > 0) {
    const message = (part: ContentPart) => `The ${part} changed since approval was asked for (round ${latest.round}): ask for it again.`;
    return changed.map((part) => ({ ...finding('approval_void', message(part)), path: part }));
  }
  if (latest.status === 'rejected') {
    const why = latest.decisions.find(({ status }) => status === 'rejected')?.comments;
    return [finding('approval_rejected', `Its approval was rejected${why ? `: ${why}` : '.'}`)];
  }
  const { open, approved } = standingOf(latest.stages, decisionsOf(latest));
  if (open === null) return [finding('approval_missing', `It needs more approval by now (${asked}): ask for it again.`)];
  const { role, quorum } = latest.stages[open];
  return [finding('approval_pending', `It waits for approval: ${approved[open]} of ${quorum} × ${role} so far.`)];
}

function outgrown({ audience, round }: RequestRow, present: number): LaunchFinding {
  const message = `The audience has grown from ${audience!.audience} to ${present} since approval was asked for (round ${round}): ask for it again.`;
  return { ...finding('approval_void', message), path: 'audience' };
}

function finding(code: string, message: string): LaunchFinding {
  return { severity: 'error', code, path: 'approvals', message };
}
