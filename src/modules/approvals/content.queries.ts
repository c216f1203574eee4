import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import { hashContent, type ContentHash } from './domain/content.js';

type Row = Record<string, unknown>;

/** Written by the engine or by launches, or about the row itself. Everything else of a step or a variant is content, also columns to come. */
const BOOKKEEPING = `ARRAY['tenant_id', 'campaign_id', 'version', 'lineage_id', 'template_version', 'compiled_content', 'email_content',
  'emails_sent', 'emails_delivered', 'opens', 'clicks', 'replies', 'unsubscribes', 'created_at', 'updated_at']`;
/** The templates that the steps of a version use, with the version that a launch has pinned; parameters: tenant, campaign, version of the steps. */
const USED = `used AS (
  SELECT s.template_id, s.template_version FROM campaign_steps s WHERE s.tenant_id = $1 AND s.campaign_id = $2 AND s.version = $3
  UNION SELECT v.template_id, v.template_version FROM campaign_steps s JOIN step_variants v ON v.tenant_id = s.tenant_id AND v.step_id = s.id
   WHERE s.tenant_id = $1 AND s.campaign_id = $2 AND s.version = $3)`;
/** Every segment that decides who gets something: the audience's, those of triggers, goals and conditions, and those these refer to. The same parameters. */
const REACHED = `named AS (
  SELECT c.segment_id::text AS id FROM campaigns c WHERE c.tenant_id = $1 AND c.id = $2
  UNION SELECT r #>> '{}' FROM campaigns c, jsonb_path_query(jsonb_build_array(c.entry_trigger, c.goal), '$.**.segmentId') r
   WHERE c.tenant_id = $1 AND c.id = $2
  UNION SELECT r #>> '{}' FROM campaign_steps s,
         jsonb_path_query(jsonb_build_array(s.condition_rules, s.split_config, s.wait_event), '$.**.segmentId') r
   WHERE s.tenant_id = $1 AND s.campaign_id = $2 AND s.version = $3
), reached AS (
  SELECT id FROM named
  UNION SELECT r #>> '{}' FROM reached JOIN segments g ON g.tenant_id = $1 AND g.id::text = lower(reached.id),
         jsonb_path_query(g.rules, '$.**.segmentId') r)`;
const HASHED = (text: string) => `encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;

/** The person behind an act `l` of the audit log; null for a program. */
const PERSON = `(CASE l.actor_type WHEN 'user' THEN l.actor_id
  WHEN 'api_key' THEN (SELECT k.user_id FROM api_keys k WHERE k.tenant_id = l.tenant_id AND k.id = l.actor_id) END)`;

/** Whose work a campaign is. */
export interface CampaignHands {
  createdBy: string | null;
  lastEditedBy: string | null;
  /** Who wrote the templates it uses, and who last changed the rule or the list of a segment it asks. */
  contentBy: string[];
}

/** What a campaign is, as the database has it: read by SQL, because it belongs to many. Texts are hashed where they lie. */
@Injectable()
export class ContentQueries {
  /** The hash of the campaign with this version of its steps. Lock the campaign before, so that no edit comes in between. */
  async hash(tx: Tx, tenantId: string, campaignId: string, stepsVersion: number): Promise<ContentHash> {
    const params = [tenantId, campaignId, stepsVersion];
    const campaign = await row<{ campaign: Row }>(tx, `SELECT to_jsonb(c) AS campaign FROM campaigns c WHERE tenant_id = $1 AND id = $2`, [
      tenantId,
      campaignId,
    ]);
    const steps = await rows<{ step: Row }>(
      tx,
      `SELECT (to_jsonb(s) - ${BOOKKEEPING}) || jsonb_build_object('content', ${HASHED('s.email_content')}) AS step
         FROM campaign_steps s WHERE tenant_id = $1 AND campaign_id = $2 AND version = $3 ORDER BY step_order`,
      params,
    );
    const variants = await rows<{ variant: Row }>(
      tx,
      `SELECT (to_jsonb(v) - ${BOOKKEEPING}) || jsonb_build_object('content', ${HASHED('v.email_content')}) AS variant
         FROM campaign_steps s JOIN step_variants v ON v.tenant_id = s.tenant_id AND v.step_id = s.id
        WHERE s.tenant_id = $1 AND s.campaign_id = $2 AND s.version = $3`,
      params,
    );
    return hashContent({
      campaign: campaign!.campaign,
      segments: await this.segments(tx, params),
      steps: steps.map(({ step }) => step),
      variants: variants.map(({ variant }) => variant),
      templates: await this.templates(tx, params),
    });
  }

  /** Whether the campaign has steps in this version. */
  async hasSteps(tx: Tx, tenantId: string, campaignId: string, stepsVersion: number): Promise<boolean> {
    const sql = `SELECT 1 FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2 AND version = $3 LIMIT 1`;
    return (await row(tx, sql, [tenantId, campaignId, stepsVersion])) !== null;
  }

  /**
   * Whose work the campaign with this version of its steps is. Of templates and segments the audit log knows it, which nobody can change: the last person who
   * changed them, also where a program has done so since.
   */
  async hands(tx: Tx, tenantId: string, campaignId: string, stepsVersion: number): Promise<CampaignHands> {
    const found = await row<CampaignHands>(
      tx,
      `WITH RECURSIVE ${USED}, ${REACHED}, acts AS (
         SELECT act.person FROM used JOIN templates t ON t.tenant_id = $1 AND t.id = used.template_id, LATERAL (
           SELECT ${PERSON} AS person FROM audit_log l
            WHERE l.tenant_id = $1 AND l.entity_type = 'template' AND l.entity_id = t.id AND ${PERSON} IS NOT NULL
              AND (l.after ->> 'currentVersion')::int <= coalesce(used.template_version, t.current_version)
              AND l.before ->> 'currentVersion' IS DISTINCT FROM l.after ->> 'currentVersion' ORDER BY l.id DESC LIMIT 1) act
         UNION
         SELECT act.person FROM reached JOIN segments g ON g.tenant_id = $1 AND g.id::text = lower(reached.id), LATERAL (
           SELECT ${PERSON} AS person FROM audit_log l
            WHERE l.tenant_id = $1 AND l.entity_type = 'segment' AND l.entity_id = g.id AND ${PERSON} IS NOT NULL
              AND (l.action <> 'segment.updated' OR l.before -> 'rules' IS DISTINCT FROM l.after -> 'rules') ORDER BY l.id DESC LIMIT 1) act)
       SELECT c.created_by AS "createdBy", c.last_edited_by AS "lastEditedBy", ARRAY(SELECT person FROM acts) AS "contentBy"
         FROM campaigns c WHERE c.tenant_id = $1 AND c.id = $2`,
      [tenantId, campaignId, stepsVersion],
    );
    return found!;
  }

  /** Who made this API key; null for a program, and for keys from the command line. */
  async issuerOf(tx: Tx, tenantId: string, keyId: string): Promise<string | null> {
    const sql = `SELECT ${PERSON} AS id FROM audit_log l
      WHERE l.tenant_id = $1 AND l.entity_type = 'api_key' AND l.entity_id = $2 AND l.action = 'api_key.created' ORDER BY l.id LIMIT 1`;
    return (await row<{ id: string | null }>(tx, sql, [tenantId, keyId]))?.id ?? null;
  }

  /** The templates in the version that a launch has pinned, or would pin now. Which number it has does not matter, only what it says. */
  private async templates(tx: Tx, params: unknown[]): Promise<Row[]> {
    return rows(
      tx,
      `WITH ${USED}
       SELECT DISTINCT t.id, tv.subject_line, tv.content_format, ${HASHED('tv.content')} AS content
         FROM used JOIN templates t ON t.tenant_id = $1 AND t.id = used.template_id
         JOIN template_versions tv ON tv.tenant_id = $1 AND tv.template_id = t.id AND tv.version = coalesce(used.template_version, t.current_version)`,
      params,
    );
  }

  private async segments(tx: Tx, params: unknown[]): Promise<Row[]> {
    return rows(
      tx,
      `WITH RECURSIVE ${REACHED}
       SELECT g.id, g.type, g.rules FROM segments g JOIN reached ON g.id::text = lower(reached.id) WHERE g.tenant_id = $1`,
      params,
    );
  }
}
