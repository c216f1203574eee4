import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../database/index.js';
import { MAX_ATTRIBUTES } from './domain/attributes.js';
import type { SuppressionActor } from './suppressions.queries.js';

const COLUMNS = { firstName: 'first_name', lastName: 'last_name', timezone: 'timezone' } as const;
export type EffectColumn = keyof typeof COLUMNS;

/**
 * Changes many contacts at once and returns how many it changed. Contacts that are already so, are erased or belong to another tenant are
 * not touched, so repeating a statement changes nothing.
 */
@Injectable()
export class ContactEffectsQueries {
  setColumn(tx: Tx, tenantId: string, ids: string[], column: EffectColumn, value: string | null): Promise<number> {
    const name = COLUMNS[column];
    return affected(
      tx,
      `UPDATE contacts SET ${name} = $3::text
        WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL AND ${name} IS DISTINCT FROM $3::text`,
      [tenantId, ids, value],
    );
  }

  /** A contact that has as many attributes as it may have gets no further one. */
  setAttribute(tx: Tx, tenantId: string, ids: string[], attribute: string, value: unknown): Promise<number> {
    return affected(
      tx,
      `UPDATE contacts SET attributes = attributes || jsonb_build_object($3::text, $4::jsonb)
        WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL AND attributes -> $3 IS DISTINCT FROM $4::jsonb
          AND (attributes ? $3 OR (SELECT count(*) FROM jsonb_object_keys(attributes)) < $5)`,
      [tenantId, ids, attribute, JSON.stringify(value), MAX_ATTRIBUTES],
    );
  }

  removeAttribute(tx: Tx, tenantId: string, ids: string[], attribute: string): Promise<number> {
    return affected(
      tx,
      `UPDATE contacts SET attributes = attributes - $3::text
        WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL AND attributes ? $3`,
      [tenantId, ids, attribute],
    );
  }

  addTag(tx: Tx, tenantId: string, ids: string[], tag: string): Promise<number> {
    return affected(
      tx,
      `INSERT INTO contact_tags (tenant_id, contact_id, tag)
       SELECT tenant_id, id, $3 FROM contacts WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL
       ON CONFLICT DO NOTHING`,
      [tenantId, ids, tag],
    );
  }

  removeTag(tx: Tx, tenantId: string, ids: string[], tag: string): Promise<number> {
    return affected(tx, `DELETE FROM contact_tags WHERE tenant_id = $1 AND contact_id = ANY ($2::uuid[]) AND tag = $3`, [
      tenantId,
      ids,
      tag,
    ]);
  }

  adjustLeadScore(tx: Tx, tenantId: string, ids: string[], by: number): Promise<number> {
    return affected(
      tx,
      `UPDATE contacts SET lead_score = greatest(least(lead_score::bigint + $3::bigint, 2147483647), -2147483648)::integer
        WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL`,
      [tenantId, ids, by],
    );
  }

  /** Takes consent away and puts the address on the suppression list, where a reason that stands there stays. */
  async unsubscribe(
    tx: Tx,
    tenantId: string,
    id: string,
    input: { reason: string; at: Date; source: string; actor: SuppressionActor },
  ): Promise<boolean> {
    const result = await row<{ changed: boolean }>(
      tx,
      `WITH contact AS (
         SELECT id, email_norm FROM contacts WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE
       ), changed AS (
         UPDATE contacts c SET subscribed = false, unsubscribed_at = $4, unsubscribe_reason = $3::text
           FROM contact WHERE c.tenant_id = $1 AND c.id = contact.id AND c.subscribed
         RETURNING c.id
       ), listed AS (
         INSERT INTO suppressions (tenant_id, email_norm, reason, source, detail, created_at)
         SELECT $1, email_norm, 'unsubscribed', $5, $3::text, $4 FROM contact
         ON CONFLICT DO NOTHING
         RETURNING email_norm, reason, source, detail
       ), told AS (
         INSERT INTO suppression_events (tenant_id, email_norm, action, reason, source, detail, actor_type, actor_id, at)
         SELECT $1, email_norm, 'added', reason, source, detail, $6, $7, $4 FROM listed
       )
       SELECT EXISTS (SELECT 1 FROM changed) AS changed`,
      [tenantId, id, input.reason.slice(0, 255), input.at, input.source, input.actor.type, input.actor.id],
    );
    return result?.changed ?? false;
  }

  subscribe(tx: Tx, tenantId: string, id: string): Promise<number> {
    return affected(
      tx,
      `UPDATE contacts SET subscribed = true, unsubscribed_at = NULL, unsubscribe_reason = NULL
        WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL AND NOT subscribed`,
      [tenantId, id],
    );
  }

  /** The contacts with these addresses lose their consent. */
  unsubscribeByEmail(tx: Tx, tenantId: string, emails: string[], reason: string, at: Date): Promise<number> {
    return affected(
      tx,
      `UPDATE contacts SET subscribed = false, unsubscribed_at = $4, unsubscribe_reason = $3
        WHERE tenant_id = $1 AND email_norm = ANY (SELECT lower(e) FROM unnest($2::text[]) AS e) AND deleted_at IS NULL AND subscribed`,
      [tenantId, emails, reason, at],
    );
  }
}
