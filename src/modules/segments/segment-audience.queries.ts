import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { SqlFragment } from './domain/sql-fragment.js';

/** A contact as it is shown in a segment. */
export interface SegmentContactRow {
  id: string;
  email: string;
  firstName: string | null;
  lastName: string | null;
  timezone: string | null;
  leadScore: number;
  attributes: Record<string, unknown>;
  tags: string[];
  subscribed: boolean;
  createdAt: Date;
  updatedAt: Date;
}

const CONTACT = `c.id, c.email, c.first_name AS "firstName", c.last_name AS "lastName", c.timezone, c.lead_score AS "leadScore", c.attributes,
  ARRAY(SELECT t.tag FROM contact_tags t WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.id ORDER BY t.tag) AS tags,
  c.subscribed, c.created_at AS "createdAt", c.updated_at AS "updatedAt"`;

/** Who is in a segment. Predicates come compiled over the alias `c`, with the tenant as `$1` and parameters from the number each method names. */
@Injectable()
export class SegmentAudienceQueries {
  /** `predicate` from $2 on. */
  async count(tx: Tx, tenantId: string, predicate: SqlFragment): Promise<{ count: number; subscribedCount: number }> {
    const counted = await row<{ count: number; subscribedCount: number }>(
      tx,
      `SELECT count(*)::int AS count, count(*) FILTER (WHERE c.subscribed)::int AS "subscribedCount"
         FROM contacts c WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND ${predicate.sql}`,
      [tenantId, ...predicate.params],
    );
    return counted!;
  }

  /** Newest first, from behind `before` on. `predicate` from $4 on. */
  async page(tx: Tx, tenantId: string, before: string | null, limit: number, predicate: SqlFragment): Promise<SegmentContactRow[]> {
    return rows<SegmentContactRow>(
      tx,
      `SELECT ${CONTACT} FROM contacts c
        WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND ($2::uuid IS NULL OR c.id < $2) AND ${predicate.sql}
        ORDER BY c.id DESC LIMIT $3`,
      [tenantId, before, limit, ...predicate.params],
    );
  }

  /** Those of the ids that name no contact of this tenant (or an erased one). */
  async unknownContacts(tx: Tx, tenantId: string, contactIds: string[]): Promise<Set<string>> {
    const unknown = await rows<{ id: string }>(
      tx,
      `SELECT asked.id FROM unnest($2::uuid[]) AS asked (id)
        WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.tenant_id = $1 AND c.id = asked.id AND c.deleted_at IS NULL)`,
      [tenantId, contactIds],
    );
    return new Set(unknown.map(({ id }) => id));
  }

  /** Idempotent; returns how many were not members before. */
  async addMembers(tx: Tx, tenantId: string, segmentId: string, contactIds: string[]): Promise<number> {
    return affected(
      tx,
      `INSERT INTO segment_members (tenant_id, segment_id, contact_id) SELECT $1, $2, asked.id FROM unnest($3::uuid[]) AS asked (id) ORDER BY asked.id
       ON CONFLICT DO NOTHING`,
      [tenantId, segmentId, contactIds],
    );
  }

  /** The same for contacts that may be gone by now; nobody where there is no such static segment. */
  async addLiving(tx: Tx, tenantId: string, segmentId: string, contactIds: string[]): Promise<number> {
    return affected(
      tx,
      `INSERT INTO segment_members (tenant_id, segment_id, contact_id)
       SELECT $1, s.id, c.id FROM segments s JOIN contacts c ON c.tenant_id = $1 AND c.id = ANY ($3::uuid[]) AND c.deleted_at IS NULL
        WHERE s.tenant_id = $1 AND s.id = $2 AND s.type = 'static' ORDER BY c.id
       ON CONFLICT DO NOTHING`,
      [tenantId, segmentId, contactIds],
    );
  }

  /** Idempotent; returns how many were members. */
  async removeMembers(tx: Tx, tenantId: string, segmentId: string, contactIds: string[]): Promise<number> {
    return affected(tx, 'DELETE FROM segment_members WHERE tenant_id = $1 AND segment_id = $2 AND contact_id = ANY ($3::uuid[])', [
      tenantId,
      segmentId,
      contactIds,
    ]);
  }

  /** From every list. */
  async forgetContact(tx: Tx, tenantId: string, contactId: string): Promise<void> {
    await affected(tx, 'DELETE FROM segment_members WHERE tenant_id = $1 AND contact_id = $2', [tenantId, contactId]);
  }
}
