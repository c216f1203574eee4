import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import { exclusionCase } from '../campaigns/index.js';
import type { SqlFragment } from '../segments/index.js';
import type { Needs } from './domain/needs.js';
import type { LoadedPerson } from './domain/plan.js';

/** Parameters of `audience` that stand before those of the segment. */
export const AUDIENCE_PARAMS = 7;

export interface AudienceRequest {
  campaignId: string;
  isTransactional: boolean;
  /** Only these contacts; null for everybody in the segment. */
  contactIds: string[] | null;
  /** Whoever is or was in the campaign takes part as if for the first time. */
  includeEnrolled: boolean;
  /** Chooses the sample: a whole number of 64 bits, as text. */
  seed: string;
  sample: number;
}

export type Verdict = 'noAddress' | 'suppressed' | 'unsubscribed' | 'alreadyEnrolled' | 'reachable';

type PersonRow = Omit<LoadedPerson['facts'], 'staticSegments' | 'events'> & {
  id: string;
  staticSegments: string[];
  events: { name: string; at: string }[];
};

/** What a rehearsal reads. Nothing here locks or writes. */
@Injectable()
export class RehearsalQueries {
  /** Everybody in the segment by what would become of them, and the ids of the sample among those who would be enrolled, in their order. */
  async audience(
    tx: Tx,
    tenantId: string,
    { campaignId, isTransactional, contactIds, includeEnrolled, seed, sample }: AudienceRequest,
    segment: SqlFragment,
  ): Promise<{ counts: Partial<Record<Verdict, number>>; ids: string[] }> {
    const found = await row<{ counts: Partial<Record<Verdict, number>> | null; ids: string[] }>(
      tx,
      `WITH judged AS MATERIALIZED (
         SELECT c.id, ${exclusionCase('$1', '$2', '$3')} ELSE 'reachable' END AS verdict
           FROM contacts c
          WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND ($4::uuid[] IS NULL OR c.id = ANY ($4::uuid[])) AND (${segment.sql})
       )
       SELECT (SELECT json_object_agg(verdict, n) FROM (SELECT verdict, count(*)::int AS n FROM judged GROUP BY verdict) counted) AS counts,
              ARRAY(SELECT id FROM (
                SELECT id FROM judged WHERE verdict = 'reachable' OR ($7::boolean AND verdict = 'alreadyEnrolled')
                 ORDER BY hashtextextended(id::text, $5::bigint), id LIMIT $6) chosen ORDER BY id) AS ids`,
      [tenantId, campaignId, isTransactional, contactIds, seed, sample, includeEnrolled, ...segment.params],
    );
    return { counts: found?.counts ?? {}, ids: found?.ids ?? [] };
  }

  /** Those of the ids that name contacts of this tenant that are not erased. */
  async existing(tx: Tx, tenantId: string, contactIds: string[]): Promise<Set<string>> {
    const sql = 'SELECT id FROM contacts WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL';
    return new Set((await rows<{ id: string }>(tx, sql, [tenantId, contactIds])).map(({ id }) => id));
  }

  /** These contacts with what is asked of them, in the order of their ids. */
  async people(tx: Tx, tenantId: string, ids: string[], needs: Needs): Promise<Pick<LoadedPerson, 'id' | 'facts'>[]> {
    const found = await rows<PersonRow>(
      tx,
      `SELECT c.id, c.email, c.first_name AS "firstName", c.last_name AS "lastName", c.timezone, c.created_at AS "createdAt",
              c.lead_score AS "leadScore", c.subscribed,
              (SELECT coalesce(jsonb_object_agg(name, c.attributes -> name), '{}') FROM unnest($3::text[]) AS name WHERE c.attributes ? name) AS attributes,
              ARRAY(SELECT t.tag FROM contact_tags t WHERE t.tenant_id = $1 AND t.contact_id = c.id AND t.tag = ANY ($4::text[])) AS tags,
              ARRAY(SELECT m.segment_id FROM segment_members m
                WHERE m.tenant_id = $1 AND m.contact_id = c.id AND m.segment_id = ANY ($5::uuid[])) AS "staticSegments",
              (SELECT coalesce(json_agg(json_build_object('name', asked.name, 'at', e.occurred_at)), '[]')
                 FROM unnest($6::text[], $7::int[]) AS asked (name, most) CROSS JOIN LATERAL (
                   SELECT v.occurred_at FROM contact_events v WHERE v.tenant_id = $1 AND v.contact_id = c.id AND v.name = asked.name
                    ORDER BY v.occurred_at DESC LIMIT asked.most) e) AS events
         FROM contacts c WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[]) ORDER BY c.id`,
      [tenantId, ids, needs.attributes, needs.tags, needs.staticSegments, [...needs.events.keys()], [...needs.events.values()]],
    );
    return found.map(({ id, staticSegments, events, ...facts }) => ({
      id,
      facts: {
        ...facts,
        staticSegments: new Set(staticSegments),
        events: events.map(({ name, at }) => ({ name, occurredAt: new Date(at) })),
      },
    }));
  }
}
