import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { AudienceBreakdown, LaunchFinding } from '../campaigns/index.js';
import type { Role } from '../identity/index.js';
import type { ContentHash } from './domain/content.js';
import type { Stage } from './domain/quorum.js';

export type RequestStatus = 'pending' | 'approved' | 'rejected' | 'withdrawn' | 'void';

/** What an approver said, or is still to say. */
export interface DecisionRow {
  approverId: string;
  role: string;
  status: 'pending' | 'approved' | 'rejected' | 'void';
  comments: string | null;
  reviewedAt: Date | null;
}

export interface RequestRow {
  id: string;
  campaignId: string;
  round: number;
  stepsVersion: number;
  status: RequestStatus;
  stages: Stage[];
  contentHash: Buffer;
  parts: ContentHash['parts'];
  audience: AudienceBreakdown | null;
  preflight: { warnings: LaunchFinding[] };
  rehearsal: object | null;
  message: string | null;
  requestedBy: string;
  requestedAt: Date;
  decidedAt: Date | null;
  usedAt: Date | null;
  decisions: DecisionRow[];
}

export interface Person {
  id: string;
  role: Role;
}

const COLUMNS = `r.id, r.campaign_id AS "campaignId", r.round, r.steps_version AS "stepsVersion", r.status, r.stages, r.content_hash AS "contentHash",
  r.parts, r.audience, r.preflight, r.rehearsal, r.message, r.requested_by AS "requestedBy", r.requested_at AS "requestedAt", r.decided_at AS "decidedAt",
  r.used_at AS "usedAt"`;

/** Every statement on `approval_requests` and `campaign_approvals`. Writers hold the lock of the campaign's row. */
@Injectable()
export class ApprovalsQueries {
  /** The newest first, with what the approvers said. */
  async list(tx: Tx, tenantId: string, campaignId: string, before: string | null, limit: number): Promise<RequestRow[]> {
    const sql = `SELECT ${COLUMNS} FROM approval_requests r
                  WHERE r.tenant_id = $1 AND r.campaign_id = $2 AND ($3::uuid IS NULL OR r.id < $3) ORDER BY r.id DESC LIMIT $4`;
    return this.withDecisions(tx, tenantId, await rows<RequestRow>(tx, sql, [tenantId, campaignId, before, limit]));
  }

  async find(tx: Tx, tenantId: string, campaignId: string, id: string): Promise<RequestRow | null> {
    const sql = `SELECT ${COLUMNS} FROM approval_requests r WHERE r.tenant_id = $1 AND r.campaign_id = $2 AND r.id = $3`;
    return this.first(tx, tenantId, await rows<RequestRow>(tx, sql, [tenantId, campaignId, id]));
  }

  /** The last that was not taken back. */
  async latest(tx: Tx, tenantId: string, campaignId: string): Promise<RequestRow | null> {
    const sql = `SELECT ${COLUMNS} FROM approval_requests r
                  WHERE r.tenant_id = $1 AND r.campaign_id = $2 AND r.status NOT IN ('withdrawn', 'void') ORDER BY r.round DESC LIMIT 1`;
    return this.first(tx, tenantId, await rows<RequestRow>(tx, sql, [tenantId, campaignId]));
  }

  /** The last approved one of exactly this content. */
  async approved(tx: Tx, tenantId: string, campaignId: string, hash: Buffer): Promise<RequestRow | null> {
    const sql = `SELECT ${COLUMNS} FROM approval_requests r
                  WHERE r.tenant_id = $1 AND r.campaign_id = $2 AND r.status = 'approved' AND r.content_hash = $3 ORDER BY r.round DESC LIMIT 1`;
    return this.first(tx, tenantId, await rows<RequestRow>(tx, sql, [tenantId, campaignId, hash]));
  }

  /** The one on whose strength the campaign runs as it does. */
  async inUse(tx: Tx, tenantId: string, campaignId: string): Promise<RequestRow | null> {
    const sql = `SELECT ${COLUMNS} FROM approval_requests r
                  WHERE r.tenant_id = $1 AND r.campaign_id = $2 AND r.used_at IS NOT NULL ORDER BY r.used_at DESC, r.round DESC LIMIT 1`;
    return this.first(tx, tenantId, await rows<RequestRow>(tx, sql, [tenantId, campaignId]));
  }

  /** Pending ones that ask this role in some stage, the newest first. */
  async pendingFor(tx: Tx, tenantId: string, role: Role, before: string | null, limit: number): Promise<RequestRow[]> {
    const sql = `SELECT ${COLUMNS} FROM approval_requests r
                  WHERE r.tenant_id = $1 AND r.status = 'pending' AND r.stages @> $2::jsonb AND ($3::uuid IS NULL OR r.id < $3) ORDER BY r.id DESC LIMIT $4`;
    return this.withDecisions(tx, tenantId, await rows<RequestRow>(tx, sql, [tenantId, JSON.stringify([{ role }]), before, limit]));
  }

  /** Those of which this person said so, the newest first. */
  async decidedBy(
    tx: Tx,
    tenantId: string,
    approverId: string,
    status: 'approved' | 'rejected',
    page: { before: string | null; limit: number },
  ): Promise<RequestRow[]> {
    const sql = `SELECT ${COLUMNS} FROM campaign_approvals a
                   JOIN approval_requests r ON r.tenant_id = a.tenant_id AND r.campaign_id = a.campaign_id AND r.round = a.round
                  WHERE a.tenant_id = $1 AND a.approver_id = $2 AND a.status = $3 AND ($4::uuid IS NULL OR r.id < $4) ORDER BY r.id DESC LIMIT $5`;
    return this.withDecisions(tx, tenantId, await rows<RequestRow>(tx, sql, [tenantId, approverId, status, page.before, page.limit]));
  }

  async nextRound(tx: Tx, tenantId: string, campaignId: string): Promise<number> {
    const sql = `SELECT coalesce(max(round), 0) + 1 AS round FROM approval_requests WHERE tenant_id = $1 AND campaign_id = $2`;
    return (await row<{ round: number }>(tx, sql, [tenantId, campaignId]))!.round;
  }

  /** Stores the request and who is asked, by stage. */
  async insert(
    tx: Tx,
    tenantId: string,
    r: Omit<RequestRow, 'status' | 'decidedAt' | 'usedAt' | 'decisions'>,
    asked: readonly { role: Role; approverIds: readonly string[] }[],
  ): Promise<void> {
    await affected(
      tx,
      `INSERT INTO approval_requests (tenant_id, id, campaign_id, round, steps_version, stages, content_hash, parts, audience, preflight, rehearsal,
         message, requested_by, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        tenantId,
        r.id,
        r.campaignId,
        r.round,
        r.stepsVersion,
        JSON.stringify(r.stages),
        r.contentHash,
        JSON.stringify(r.parts),
        r.audience && JSON.stringify(r.audience),
        JSON.stringify(r.preflight),
        r.rehearsal && JSON.stringify(r.rehearsal),
        r.message,
        r.requestedBy,
        r.requestedAt,
      ],
    );
    const people = asked.flatMap(({ role, approverIds }) => approverIds.map((id) => ({ role, id })));
    await affected(
      tx,
      `INSERT INTO campaign_approvals (tenant_id, campaign_id, approver_id, approval_role, round, content_hash, requested_by, requested_at)
       SELECT $1, $2, v.approver, v.role, $5, $6, $7, $8 FROM unnest($3::uuid[], $4::text[]) AS v(approver, role)`,
      [
        tenantId,
        r.campaignId,
        people.map(({ id }) => id),
        people.map(({ role }) => role),
        r.round,
        r.contentHash,
        r.requestedBy,
        r.requestedAt,
      ],
    );
  }

  /** Writes what one approver says, whether or not they were asked by name. */
  async decide(
    tx: Tx,
    tenantId: string,
    r: RequestRow,
    d: { approverId: string; role: Role; status: 'approved' | 'rejected'; comments: string | null; at: Date },
  ): Promise<void> {
    await affected(
      tx,
      `INSERT INTO campaign_approvals (tenant_id, campaign_id, approver_id, approval_role, round, status, content_hash, comments, reviewed_at,
         requested_by, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       ON CONFLICT (tenant_id, campaign_id, approver_id, approval_role, round)
       DO UPDATE SET status = excluded.status, comments = excluded.comments, reviewed_at = excluded.reviewed_at`,
      [tenantId, r.campaignId, d.approverId, d.role, r.round, d.status, r.contentHash, d.comments, d.at, r.requestedBy, r.requestedAt],
    );
  }

  /** Ends a request; whoever has not been heard is not asked any more. */
  async close(tx: Tx, tenantId: string, r: RequestRow, status: Exclude<RequestStatus, 'pending'>, at: Date): Promise<void> {
    await affected(tx, `UPDATE approval_requests SET status = $3, decided_at = coalesce(decided_at, $4) WHERE tenant_id = $1 AND id = $2`, [
      tenantId,
      r.id,
      status,
      at,
    ]);
    await affected(
      tx,
      `UPDATE campaign_approvals SET status = 'void' WHERE tenant_id = $1 AND campaign_id = $2 AND round = $3 AND status = 'pending'`,
      [tenantId, r.campaignId, r.round],
    );
  }

  async markUsed(tx: Tx, tenantId: string, id: string, at: Date): Promise<void> {
    await affected(tx, `UPDATE approval_requests SET used_at = $3 WHERE tenant_id = $1 AND id = $2`, [tenantId, id, at]);
  }

  /** Running campaigns that go out on an approval and still let people in by a rule. */
  async takingIn(tx: Tx, tenantId: string): Promise<string[]> {
    const found = await rows<{ id: string }>(
      tx,
      `SELECT c.id FROM campaigns c
        WHERE c.tenant_id = $1 AND c.status = 'active' AND c.enrollment_closed_at IS NULL
          AND (c.launch_state <> 'enrolled' OR c.campaign_type = 'triggered' OR c.keep_enrolling)
          AND EXISTS (SELECT FROM approval_requests r WHERE r.tenant_id = c.tenant_id AND r.campaign_id = c.id AND r.used_at IS NOT NULL) ORDER BY c.id`,
      [tenantId],
    );
    return found.map(({ id }) => id);
  }

  /** Users with one of these roles who may still sign in. */
  people(tx: Tx, tenantId: string, roles: readonly Role[]): Promise<Person[]> {
    const sql = `SELECT id, role FROM users WHERE tenant_id = $1 AND role = ANY ($2::text[]) AND disabled_at IS NULL ORDER BY id`;
    return rows(tx, sql, [tenantId, roles]);
  }

  person(tx: Tx, tenantId: string, userId: string): Promise<Person | null> {
    return row(tx, `SELECT id, role FROM users WHERE tenant_id = $1 AND id = $2 AND disabled_at IS NULL`, [tenantId, userId]);
  }

  private async first(tx: Tx, tenantId: string, found: RequestRow[]): Promise<RequestRow | null> {
    return (await this.withDecisions(tx, tenantId, found))[0] ?? null;
  }

  private async withDecisions(tx: Tx, tenantId: string, found: RequestRow[]): Promise<RequestRow[]> {
    if (found.length === 0) return [];
    const decisions = await rows<DecisionRow & { requestId: string }>(
      tx,
      `SELECT r.id AS "requestId", a.approver_id AS "approverId", a.approval_role AS role, a.status, a.comments, a.reviewed_at AS "reviewedAt"
         FROM approval_requests r JOIN campaign_approvals a ON a.tenant_id = r.tenant_id AND a.campaign_id = r.campaign_id AND a.round = r.round
        WHERE r.tenant_id = $1 AND r.id = ANY ($2::uuid[]) ORDER BY a.reviewed_at NULLS LAST, a.id`,
      [tenantId, found.map(({ id }) => id)],
    );
    const byId = new Map(found.map((request) => [request.id, { ...request, decisions: [] as DecisionRow[] }]));
    for (const { requestId, ...decision } of decisions) byId.get(requestId)!.decisions.push(decision);
    return [...byId.values()];
  }
}
