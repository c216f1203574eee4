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
