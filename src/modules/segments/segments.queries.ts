import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { Rule } from './domain/rule.js';
import type { SegmentUser } from './segments.errors.js';

export interface SegmentRow {
  id: string;
  name: string;
  type: 'dynamic' | 'static';
  rules: Rule | null;
  createdAt: Date;
  updatedAt: Date;
}

export type SegmentDefinitionRow = Pick<SegmentRow, 'id' | 'name' | 'type' | 'rules'>;

export interface SegmentFilter {
  before: string | null;
  limit: number;
  type?: 'dynamic' | 'static';
  q?: string;
}

const COLUMNS = `id, name, type, rules, created_at AS "createdAt", updated_at AS "updatedAt"`;
const LISTED_USERS = 20;

/** Every place in a stored rule tree that names a segment. */
const REFERENCES = `'$.** ? (@.type == "segment").segmentId'`;

@Injectable()
export class SegmentsQueries {
  async list(tx: Tx, tenantId: string, { before, limit, type, q }: SegmentFilter): Promise<SegmentRow[]> {
    return rows<SegmentRow>(
      tx,
      `SELECT ${COLUMNS} FROM segments
        WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR type = $3)
          AND ($4::text IS NULL OR strpos(lower(name), lower($4)) > 0)
        ORDER BY id DESC LIMIT $5`,
      [tenantId, before, type ?? null, q ?? null, limit],
    );
  }

  async find(tx: Tx, tenantId: string, id: string): Promise<SegmentRow | null> {
    return row<SegmentRow>(tx, `SELECT ${COLUMNS} FROM segments WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  /** Locks the row against every other change, references from new rules (`shareReferred`) included. */
  async lock(tx: Tx, tenantId: string, id: string): Promise<SegmentRow | null> {
    return row<SegmentRow>(tx, `SELECT ${COLUMNS} FROM segments WHERE tenant_id = $1 AND id = $2 FOR UPDATE`, [tenantId, id]);
  }

  async insert(tx: Tx, tenantId: string, segment: Pick<SegmentRow, 'id' | 'name' | 'type' | 'rules'>): Promise<SegmentRow> {
    const { id, name, type, rules } = segment;
    const inserted = await row<SegmentRow>(
      tx,
      `INSERT INTO segments (tenant_id, id, name, type, rules) VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`,
      [tenantId, id, name, type, rules && JSON.stringify(rules)],
    );
    return inserted!;
  }

  async update(tx: Tx, tenantId: string, id: string, { name, rules }: Pick<SegmentRow, 'name' | 'rules'>): Promise<SegmentRow> {
    const updated = await row<SegmentRow>(
      tx,
      `UPDATE segments SET name = $3, rules = $4 WHERE tenant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
      [tenantId, id, name, rules && JSON.stringify(rules)],
    );
    return updated!;
  }

  /** With its list of members. */
  async remove(tx: Tx, tenantId: string, id: string): Promise<number> {
    return affected(tx, 'DELETE FROM segments WHERE tenant_id = $1 AND id = $2', [tenantId, id]);
  }

  /** Held until the transaction ends: one change of rules at a time in a tenant, or two of them could close a cycle between them. */
  async lockRules(tx: Tx, tenantId: string): Promise<void> {
    await rows(tx, `SELECT pg_advisory_xact_lock(hashtextextended('segment-rules:' || $1::uuid::text, 0))`, [tenantId]);
  }

  /** Keeps these segments from being deleted until the transaction ends, so that a reference written in it is not left dangling. */
  async shareReferred(tx: Tx, tenantId: string, ids: string[]): Promise<void> {
    await rows(tx, 'SELECT id FROM segments WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR KEY SHARE', [tenantId, ids]);
  }

  /** These segments and all they refer to, directly or not; with `andReferring`, also every segment that refers to any. */
  async reachable(tx: Tx, tenantId: string, ids: string[], andReferring: boolean): Promise<SegmentDefinitionRow[]> {
    return rows<SegmentDefinitionRow>(
      tx,
      `WITH RECURSIVE reachable AS (
         SELECT id, name, type, rules FROM segments
          WHERE tenant_id = $1 AND (id = ANY ($2::uuid[]) OR ($3 AND jsonb_path_exists(rules, ${REFERENCES})))
         UNION
         SELECT s.id, s.name, s.type, s.rules
           FROM reachable r, jsonb_path_query(r.rules, ${REFERENCES}) AS reference
           JOIN segments s ON s.tenant_id = $1 AND s.id = (reference #>> '{}')::uuid
       )
       SELECT id, name, type, rules FROM reachable`,
      [tenantId, ids, andReferring],
    );
  }

  /** Campaigns whose audience this segment is, or one of whose steps refers to it. */
  async campaignsUsing(tx: Tx, tenantId: string, id: string): Promise<SegmentUser[]> {
    return rows<SegmentUser>(
      tx,
      `SELECT c.id, c.name FROM campaigns c
        WHERE c.tenant_id = $1 AND (c.segment_id = $2 OR lower(c.entry_trigger ->> 'segmentId') = $2::uuid::text OR EXISTS (
          SELECT FROM jsonb_path_query(c.goal, ${REFERENCES}) AS reference WHERE lower(reference #>> '{}') = $2::uuid::text) OR EXISTS (
          SELECT FROM campaign_steps s
           WHERE s.tenant_id = $1 AND s.campaign_id = c.id AND (lower(s.action_config ->> 'segmentId') = $2::uuid::text OR EXISTS (
             SELECT FROM jsonb_path_query(jsonb_build_array(s.condition_rules, s.split_config), ${REFERENCES}) AS reference
              WHERE lower(reference #>> '{}') = $2::uuid::text))))
        ORDER BY c.id DESC LIMIT ${LISTED_USERS}`,
      [tenantId, id],
    );
  }

  async segmentsUsing(tx: Tx, tenantId: string, id: string): Promise<SegmentUser[]> {
    return rows<SegmentUser>(
      tx,
      `SELECT s.id, s.name FROM segments s
        WHERE s.tenant_id = $1 AND s.id <> $2
          AND EXISTS (SELECT FROM jsonb_path_query(s.rules, ${REFERENCES}) AS reference WHERE lower(reference #>> '{}') = $2::uuid::text)
        ORDER BY s.id DESC LIMIT ${LISTED_USERS}`,
      [tenantId, id],
    );
  }
}
