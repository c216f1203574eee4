import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { ContentFormat } from './domain/compiled-content.js';

export interface TemplateContent {
  subjectLine: string | null;
  content: string;
  contentFormat: ContentFormat;
}

export interface TemplateSummaryRow {
  id: string;
  name: string;
  currentVersion: number;
  subjectLine: string | null;
  contentFormat: ContentFormat;
  createdAt: Date;
  updatedAt: Date;
}

export interface TemplateRow extends TemplateSummaryRow {
  content: string;
}

export interface TemplateVersionSummaryRow {
  version: number;
  subjectLine: string | null;
  contentFormat: ContentFormat;
  createdAt: Date;
}

export interface TemplateVersionRow extends TemplateVersionSummaryRow {
  content: string;
}

export interface ResolvedTemplate extends TemplateContent {
  templateId: string;
  version: number;
}

/** What merge fields read of a contact. */
export interface PreviewContactRow {
  id: string;
  email: string;
  first_name: string | null;
  last_name: string | null;
  timezone: string | null;
  lead_score: number;
  tags: string[];
  attributes: Record<string, unknown>;
}

const SUMMARY = `t.id, t.name, t.current_version AS "currentVersion", v.subject_line AS "subjectLine", v.content_format AS "contentFormat",
  t.created_at AS "createdAt", t.updated_at AS "updatedAt"`;
const CURRENT = `templates t JOIN template_versions v ON v.tenant_id = t.tenant_id AND v.template_id = t.id AND v.version = t.current_version`;
const VERSION = `version, subject_line AS "subjectLine", content_format AS "contentFormat", created_at AS "createdAt"`;

/** Archived templates are gone for all of these, unless a method says otherwise. */
@Injectable()
export class TemplatesQueries {
  async list(
    tx: Tx,
    tenantId: string,
    { before, limit, q }: { before: string | null; limit: number; q?: string },
  ): Promise<TemplateSummaryRow[]> {
    return rows<TemplateSummaryRow>(
      tx,
      `SELECT ${SUMMARY} FROM ${CURRENT}
        WHERE t.tenant_id = $1 AND t.archived_at IS NULL AND ($2::uuid IS NULL OR t.id < $2)
          AND ($3::text IS NULL OR strpos(lower(t.name), lower($3)) > 0)
        ORDER BY t.id DESC LIMIT $4`,
      [tenantId, before, q ?? null, limit],
    );
  }

  async find(tx: Tx, tenantId: string, id: string): Promise<TemplateRow | null> {
    return row<TemplateRow>(
      tx,
      `SELECT ${SUMMARY}, v.content FROM ${CURRENT} WHERE t.tenant_id = $1 AND t.id = $2 AND t.archived_at IS NULL`,
      [tenantId, id],
    );
  }

  /** Locks the template; its versions never change. */
  async lock(tx: Tx, tenantId: string, id: string): Promise<TemplateRow | null> {
    // Locked by a statement of its own: the join must see the version that a change committed while this one waited.
    await rows(tx, 'SELECT id FROM templates WHERE tenant_id = $1 AND id = $2 FOR UPDATE', [tenantId, id]);
    return this.find(tx, tenantId, id);
  }

  async insert(tx: Tx, tenantId: string, { id, name }: { id: string; name: string }): Promise<void> {
    await affected(tx, 'INSERT INTO templates (tenant_id, id, name, current_version) VALUES ($1, $2, $3, 1)', [tenantId, id, name]);
  }

  async insertVersion(tx: Tx, tenantId: string, templateId: string, version: number, content: TemplateContent): Promise<void> {
    await affected(
      tx,
      `INSERT INTO template_versions (tenant_id, template_id, version, subject_line, content, content_format) VALUES ($1, $2, $3, $4, $5, $6)`,
      [tenantId, templateId, version, content.subjectLine, content.content, content.contentFormat],
    );
  }

  async update(tx: Tx, tenantId: string, id: string, { name, version }: { name: string; version: number }): Promise<void> {
    await affected(tx, 'UPDATE templates SET name = $3, current_version = $4 WHERE tenant_id = $1 AND id = $2', [
      tenantId,
      id,
      name,
      version,
    ]);
  }

  async archive(tx: Tx, tenantId: string, id: string, now: Date): Promise<void> {
    await affected(tx, 'UPDATE templates SET archived_at = $3 WHERE tenant_id = $1 AND id = $2', [tenantId, id, now]);
  }

  async versions(tx: Tx, tenantId: string, id: string, before: number | null, limit: number): Promise<TemplateVersionSummaryRow[]> {
    return rows<TemplateVersionSummaryRow>(
      tx,
      `SELECT ${VERSION} FROM template_versions
        WHERE tenant_id = $1 AND template_id = $2 AND ($3::int IS NULL OR version < $3) ORDER BY version DESC LIMIT $4`,
      [tenantId, id, before, limit],
    );
  }

  async version(tx: Tx, tenantId: string, id: string, version: number): Promise<TemplateVersionRow | null> {
    return row<TemplateVersionRow>(
      tx,
      `SELECT ${VERSION}, content FROM template_versions WHERE tenant_id = $1 AND template_id = $2 AND version = $3`,
      [tenantId, id, version],
    );
  }

  /** The current version, or the one named. A named version is found in an archived template too: a campaign that froze it keeps it. */
  async resolve(tx: Tx, tenantId: string, id: string, version: number | null): Promise<ResolvedTemplate | null> {
    return row<ResolvedTemplate>(
      tx,
      `SELECT t.id AS "templateId", v.version, v.subject_line AS "subjectLine", v.content, v.content_format AS "contentFormat"
         FROM templates t
         JOIN template_versions v ON v.tenant_id = t.tenant_id AND v.template_id = t.id AND v.version = coalesce($3::int, t.current_version)
        WHERE t.tenant_id = $1 AND t.id = $2 AND ($3::int IS NOT NULL OR t.archived_at IS NULL)`,
      [tenantId, id, version],
    );
  }

  /** Campaigns that refer to the template and may still send. */
  async campaignsUsing(tx: Tx, tenantId: string, id: string): Promise<{ id: string; name: string; status: string }[]> {
    return rows(
      tx,
      `SELECT c.id, c.name, c.status FROM campaigns c
        WHERE c.tenant_id = $1 AND c.status NOT IN ('completed', 'cancelled')
          AND EXISTS (SELECT FROM campaign_steps s LEFT JOIN step_variants v ON v.tenant_id = $1 AND v.step_id = s.id
                       WHERE s.tenant_id = $1 AND s.campaign_id = c.id AND $2 IN (s.template_id, v.template_id))
        ORDER BY c.id DESC LIMIT 20`,
      [tenantId, id],
    );
  }

  async previewContact(tx: Tx, tenantId: string, contactId: string): Promise<PreviewContactRow | null> {
    return row<PreviewContactRow>(
      tx,
      `SELECT c.id, c.email, c.first_name, c.last_name, c.timezone, c.lead_score, c.attributes,
              ARRAY(SELECT t.tag FROM contact_tags t WHERE t.tenant_id = $1 AND t.contact_id = c.id ORDER BY t.tag) AS tags
         FROM contacts c WHERE c.tenant_id = $1 AND c.id = $2 AND c.deleted_at IS NULL`,
      [tenantId, contactId],
    );
  }
}
