import { Injectable } from '@nestjs/common';
import { affected, rows, type Tx } from '../../database/index.js';
import type { VariantSettings } from './domain/ab-test.js';
import type { StoredContent } from './steps.queries.js';

/** The columns of a variant's settings, and how each is read out of the JSON that carries them. */
const SETTINGS = {
  name: `v->>'name'`,
  weight: `(v->>'weight')::int`,
  subject_line: `v->>'subjectLine'`,
  template_id: `(v->>'templateId')::uuid`,
  email_content: `v->>'emailContent'`,
  content_format: `v->>'contentFormat'`,
  from_name: `v->>'fromName'`,
  from_email: `v->>'fromEmail'`,
};
const SETTING_COLUMNS = Object.keys(SETTINGS).join(', ');
const SETTING_VALUES = Object.values(SETTINGS).join(', ');

export interface NewVariant extends VariantSettings {
  id: string;
  stepId: string;
  position: number;
}

/** What a launch freezes of a variant. */
export interface FrozenVariant {
  variantId: string;
  templateVersion: number | null;
  content: StoredContent;
}

/** Every statement that writes `step_variants`; they are read with their steps. Writers hold the lock of the campaign's row. */
@Injectable()
export class VariantsQueries {
  async insert(tx: Tx, tenantId: string, variants: readonly NewVariant[]): Promise<void> {
    if (variants.length === 0) return;
    await affected(
      tx,
      `INSERT INTO step_variants (tenant_id, id, step_id, position, ${SETTING_COLUMNS})
       SELECT $1, (v->>'id')::uuid, (v->>'stepId')::uuid, (v->>'position')::smallint, ${SETTING_VALUES} FROM jsonb_array_elements($2::jsonb) AS v`,
      [tenantId, JSON.stringify(variants)],
    );
  }

  async update(tx: Tx, tenantId: string, variantId: string, settings: VariantSettings): Promise<void> {
    await affected(
      tx,
      `UPDATE step_variants SET (${SETTING_COLUMNS}) = (SELECT ${SETTING_VALUES} FROM (SELECT $3::jsonb AS v) AS given)
        WHERE tenant_id = $1 AND id = $2`,
      [tenantId, variantId, JSON.stringify(settings)],
    );
  }

  async remove(tx: Tx, tenantId: string, variantIds: readonly string[]): Promise<void> {
    await affected(tx, 'DELETE FROM step_variants WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [tenantId, variantIds]);
  }

  /** Numbers the variants from 1 in the order of the ids. */
  async renumber(tx: Tx, tenantId: string, variantIds: readonly string[]): Promise<void> {
    await affected(
      tx,
      `UPDATE step_variants v SET position = o.place FROM unnest($2::uuid[]) WITH ORDINALITY AS o (id, place)
        WHERE v.tenant_id = $1 AND v.id = o.id AND v.position <> o.place`,
      [tenantId, variantIds],
    );
  }

  async freeze(tx: Tx, tenantId: string, contents: readonly FrozenVariant[]): Promise<void> {
    await affected(
      tx,
      `UPDATE step_variants v SET compiled_content = c->'content', template_version = (c->>'templateVersion')::int
         FROM jsonb_array_elements($2::jsonb) AS c WHERE v.tenant_id = $1 AND v.id = (c->>'variantId')::uuid`,
      [tenantId, JSON.stringify(contents)],
    );
  }

  /** The line of each variant of the campaign, all versions, by step and in order: two steps with the same lines are the same test. */
  lines(tx: Tx, tenantId: string, campaignId: string): Promise<{ stepId: string; lines: string[] }[]> {
    const sql = `SELECT v.step_id AS "stepId", array_agg(v.lineage_id ORDER BY v.position, v.id) AS lines
                   FROM step_variants v JOIN campaign_steps s ON s.tenant_id = v.tenant_id AND s.id = v.step_id
                  WHERE v.tenant_id = $1 AND s.campaign_id = $2 GROUP BY v.step_id`;
    return rows(tx, sql, [tenantId, campaignId]);
  }

  /** Makes each variant go on with one of another version. */
  async continueLines(tx: Tx, tenantId: string, pairs: readonly { from: string; to: string }[]): Promise<void> {
    if (pairs.length === 0) return;
    await affected(
      tx,
      `UPDATE step_variants v SET lineage_id = old.lineage_id
         FROM unnest($2::uuid[], $3::uuid[]) AS p (from_id, to_id) JOIN step_variants old ON old.tenant_id = $1 AND old.id = p.from_id
        WHERE v.tenant_id = $1 AND v.id = p.to_id`,
      [tenantId, pairs.map(({ from }) => from), pairs.map(({ to }) => to)],
    );
  }

  frozen(
    tx: Tx,
    tenantId: string,
    variantIds: readonly string[],
  ): Promise<{ variantId: string; content: StoredContent; from: { name: string | null; email: string | null } }[]> {
    const sql = `SELECT id AS "variantId", compiled_content AS content, json_build_object('name', from_name, 'email', from_email) AS "from"
                   FROM step_variants WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND compiled_content IS NOT NULL`;
    return rows(tx, sql, [tenantId, variantIds]);
  }
}
