import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { CompiledContent } from '../templates/index.js';
import type { CampaignStep, StepSettings } from './domain/step.js';

const COLUMNS = `id, tenant_id AS "tenantId", campaign_id AS "campaignId", version, lineage_id AS "lineageId", step_order AS "stepOrder", step_name AS "stepName",
  step_type AS "stepType", template_id AS "templateId", template_version AS "templateVersion", subject_line AS "subjectLine",
  email_content AS "emailContent", content_format AS "contentFormat",
  CASE WHEN wait_duration_value IS NOT NULL THEN json_build_object('value', wait_duration_value, 'unit', wait_duration_unit) END AS "waitDuration",
  wait_until AS "waitUntil", wait_event AS "waitEvent", split_config AS "splitConfig", condition_rules AS "conditionRules", true_next_step_id AS "trueNextStepId", false_next_step_id AS "falseNextStepId",
  next_step_id AS "nextStepId", is_end AS "isEnd", action_config AS "actionConfig", emails_sent AS "emailsSent",
  emails_delivered AS "emailsDelivered", opens, clicks, replies, unsubscribes, created_at AS "createdAt", updated_at AS "updatedAt",
  ab_test AS "abTest", (SELECT coalesce(json_agg(json_build_object('id', v.id, 'position', v.position, 'name', v.name, 'weight', v.weight,
    'subjectLine', v.subject_line, 'templateId', v.template_id, 'templateVersion', v.template_version, 'emailContent', v.email_content,
    'contentFormat', v.content_format, 'fromName', v.from_name, 'fromEmail', v.from_email) ORDER BY v.position, v.id), '[]')
    FROM step_variants v WHERE v.tenant_id = campaign_steps.tenant_id AND v.step_id = campaign_steps.id) AS variants`;

/** The columns an author's settings go to, and how each is read out of the JSON that carries them. */
const SETTINGS = {
  step_name: `s->>'stepName'`,
  step_type: `s->>'stepType'`,
  template_id: `(s->>'templateId')::uuid`,
  subject_line: `s->>'subjectLine'`,
  email_content: `s->>'emailContent'`,
  content_format: `s->>'contentFormat'`,
  wait_duration_value: `(s->'waitDuration'->>'value')::int`,
  wait_duration_unit: `s->'waitDuration'->>'unit'`,
  wait_until: `nullif(s->'waitUntil', 'null')`,
  split_config: `nullif(s->'splitConfig', 'null')`,
  wait_event: `nullif(s->'waitEvent', 'null')`,
  condition_rules: `nullif(s->'conditionRules', 'null')`,
  true_next_step_id: `(s->>'trueNextStepId')::uuid`,
  false_next_step_id: `(s->>'falseNextStepId')::uuid`,
  next_step_id: `(s->>'nextStepId')::uuid`,
  is_end: `(s->>'isEnd')::boolean`,
  action_config: `nullif(s->'actionConfig', 'null')`,
  ab_test: `nullif(s->'abTest', 'null')`,
};
const SETTING_COLUMNS = Object.keys(SETTINGS).join(', ');
const SETTING_VALUES = Object.values(SETTINGS).join(', ');

export interface NewStep extends StepSettings {
  id: string;
  stepOrder: number;
  /** Of the step of another version that it goes on with; it begins a line of its own without. */
  lineageId?: string | null;
}

/** What a launch freezes of an email step. */
export interface FrozenContent {
  stepId: string;
  templateVersion: number | null;
  content: StoredContent;
}

export interface StoredContent {
  compiled: CompiledContent;
  /** Of each link of the content, in order; empty where the address depends on the contact. */
  linkIds: string[];
}

/** Every statement on `campaign_steps`. Writers hold the lock of the campaign's row (`CampaignsService.lockEditable`). */
@Injectable()
export class StepsQueries {
  /** In order. */
  list(tx: Tx, tenantId: string, campaignId: string, version: number): Promise<CampaignStep[]> {
    const sql = `SELECT ${COLUMNS} FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2 AND version = $3 ORDER BY step_order`;
    return rows<CampaignStep>(tx, sql, [tenantId, campaignId, version]);
  }

  /** Of every version, drafts too; in order. */
  listAll(tx: Tx, tenantId: string, campaignId: string): Promise<CampaignStep[]> {
    const sql = `SELECT ${COLUMNS} FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY version, step_order`;
    return rows<CampaignStep>(tx, sql, [tenantId, campaignId]);
  }

  /** Of any version. */
  find(tx: Tx, tenantId: string, campaignId: string, stepId: string): Promise<CampaignStep | null> {
    const sql = `SELECT ${COLUMNS} FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2 AND id = $3`;
    return row<CampaignStep>(tx, sql, [tenantId, campaignId, stepId]);
  }

  /** The versions that these steps belong to. */
  async versionsOf(tx: Tx, tenantId: string, stepIds: readonly string[]): Promise<number[]> {
    const sql = 'SELECT DISTINCT version FROM campaign_steps WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY version';
    return (await rows<{ version: number }>(tx, sql, [tenantId, stepIds])).map(({ version }) => version);
  }

  async insert(tx: Tx, tenantId: string, campaignId: string, version: number, steps: readonly NewStep[]): Promise<void> {
    await rows(
      tx,
      `INSERT INTO campaign_steps (tenant_id, campaign_id, version, id, step_order, lineage_id, ${SETTING_COLUMNS})
       SELECT $1, $2, $3, (s->>'id')::uuid, (s->>'stepOrder')::int, (s->>'lineageId')::uuid, ${SETTING_VALUES} FROM jsonb_array_elements($4::jsonb) AS s`,
      [tenantId, campaignId, version, JSON.stringify(steps)],
    );
  }

  async update(tx: Tx, tenantId: string, stepId: string, settings: StepSettings): Promise<void> {
    await affected(
      tx,
      `UPDATE campaign_steps SET (${SETTING_COLUMNS}) = (SELECT ${SETTING_VALUES} FROM (SELECT $3::jsonb AS s) AS given)
        WHERE tenant_id = $1 AND id = $2`,
      [tenantId, stepId, JSON.stringify(settings)],
    );
  }

  /** Numbers the steps from 1 in the order of the ids. The unique key is deferred, so they may change places. */
  async renumber(tx: Tx, tenantId: string, campaignId: string, stepIds: readonly string[]): Promise<void> {
    await affected(
      tx,
      `UPDATE campaign_steps s SET step_order = o.place FROM unnest($3::uuid[]) WITH ORDINALITY AS o (id, place)
        WHERE s.tenant_id = $1 AND s.campaign_id = $2 AND s.id = o.id AND s.step_order <> o.place`,
      [tenantId, campaignId, stepIds],
    );
  }

  async remove(tx: Tx, tenantId: string, stepId: string): Promise<void> {
    await affected(tx, 'DELETE FROM campaign_steps WHERE tenant_id = $1 AND id = $2', [tenantId, stepId]);
  }

  async removeAll(tx: Tx, tenantId: string, campaignId: string, version: number): Promise<void> {
    const sql = 'DELETE FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2 AND version = $3';
    await affected(tx, sql, [tenantId, campaignId, version]);
  }

  /** Stores what a launch has compiled. One statement however many steps. */
  async freeze(tx: Tx, tenantId: string, campaignId: string, contents: readonly FrozenContent[]): Promise<void> {
    await affected(
      tx,
      `UPDATE campaign_steps s SET compiled_content = c->'content', template_version = (c->>'templateVersion')::int
         FROM jsonb_array_elements($3::jsonb) AS c
        WHERE s.tenant_id = $1 AND s.campaign_id = $2 AND s.id = (c->>'stepId')::uuid`,
      [tenantId, campaignId, JSON.stringify(contents)],
    );
  }

  frozen(tx: Tx, tenantId: string, stepIds: readonly string[]): Promise<{ stepId: string; content: StoredContent }[]> {
    const sql = `SELECT id AS "stepId", compiled_content AS content FROM campaign_steps
                  WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND compiled_content IS NOT NULL`;
    return rows(tx, sql, [tenantId, stepIds]);
  }

  /** What merging needs of a contact, null if there is no such contact (any more). */
  contact(tx: Tx, tenantId: string, contactId: string): Promise<MergeContact | null> {
    return row<MergeContact>(
      tx,
      `SELECT c.id, c.email, c.first_name, c.last_name, c.timezone, c.lead_score, c.attributes,
              coalesce((SELECT json_agg(t.tag ORDER BY t.tag) FROM contact_tags t WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.id), '[]') AS tags
         FROM contacts c WHERE c.tenant_id = $1 AND c.id = $2 AND c.deleted_at IS NULL`,
      [tenantId, contactId],
    );
  }
}

export interface MergeContact {
  id: string;
  email: string;
  first_name: string | null;
  last_name: string | null;
  timezone: string | null;
  lead_score: number;
  attributes: Record<string, unknown>;
  tags: string[];
}
