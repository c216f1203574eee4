import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { Policy, Stage } from './domain/quorum.js';

export interface PolicySettings extends Policy {
  name: string;
  stages: Stage[];
}

export interface PolicyRow extends PolicySettings {
  id: string;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = `id, name, campaign_types AS "campaignTypes", min_audience AS "minAudience", stages, created_at AS "createdAt", updated_at AS "updatedAt"`;

/** Every statement on `approval_policies`. */
@Injectable()
export class ApprovalPoliciesQueries {
  list(tx: Tx, tenantId: string, before: string | null, limit: number): Promise<PolicyRow[]> {
    const sql = `SELECT ${COLUMNS} FROM approval_policies WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`;
    return rows(tx, sql, [tenantId, before, limit]);
  }

  /** All of them, the oldest first. */
  all(tx: Tx, tenantId: string): Promise<PolicyRow[]> {
    return rows(tx, `SELECT ${COLUMNS} FROM approval_policies WHERE tenant_id = $1 ORDER BY id`, [tenantId]);
  }

  find(tx: Tx, tenantId: string, id: string): Promise<PolicyRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM approval_policies WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  lock(tx: Tx, tenantId: string, id: string): Promise<PolicyRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM approval_policies WHERE tenant_id = $1 AND id = $2 FOR UPDATE`, [tenantId, id]);
  }

  /** Null if the name is taken. */
  insert(tx: Tx, tenantId: string, id: string, policy: PolicySettings): Promise<PolicyRow | null> {
    return row(
      tx,
      `INSERT INTO approval_policies (tenant_id, id, name, campaign_types, min_audience, stages) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (tenant_id, name) DO NOTHING RETURNING ${COLUMNS}`,
      [tenantId, id, policy.name, policy.campaignTypes, policy.minAudience, JSON.stringify(policy.stages)],
    );
  }

  update(tx: Tx, tenantId: string, id: string, policy: PolicySettings): Promise<PolicyRow | null> {
    return row(
      tx,
      `UPDATE approval_policies SET name = $3, campaign_types = $4, min_audience = $5, stages = $6 WHERE tenant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
      [tenantId, id, policy.name, policy.campaignTypes, policy.minAudience, JSON.stringify(policy.stages)],
    );
  }

  async nameTaken(tx: Tx, tenantId: string, name: string, exceptId: string): Promise<boolean> {
    const sql = `SELECT 1 FROM approval_policies WHERE tenant_id = $1 AND name = $2 AND id <> $3`;
    return (await row(tx, sql, [tenantId, name, exceptId])) !== null;
  }

  remove(tx: Tx, tenantId: string, id: string): Promise<number> {
    return affected(tx, `DELETE FROM approval_policies WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }
}
