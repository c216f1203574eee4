import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import type { SourceSegment, SourceTemplate } from './domain/write-file.js';

export interface NamedSegment extends SourceSegment {
  id: string;
}

export interface NamedTemplate extends SourceTemplate {
  id: string;
}

/** A template in the version a launch has pinned, or else the current one. */
export interface TemplateVersionKey {
  templateId: string;
  version: number | null;
}

const CONTENT = `t.id, t.name, v.subject_line AS "subjectLine", v.content_format AS "contentFormat", v.content`;

/** What files are made of, and what the names in them stand for. Reads only. */
@Injectable()
export class ExchangeQueries {
  segments(tx: Tx, tenantId: string, ids: readonly string[]): Promise<NamedSegment[]> {
    return rows(tx, 'SELECT id, name, type, rules FROM segments WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [tenantId, ids]);
  }

  /** Oldest first. They stay as they are until the transaction ends. */
  segmentsNamed(tx: Tx, tenantId: string, names: readonly string[]): Promise<NamedSegment[]> {
    const sql = `SELECT id, name, type, rules FROM segments WHERE tenant_id = $1 AND name = ANY ($2::text[]) ORDER BY id FOR SHARE`;
    return rows(tx, sql, [tenantId, names]);
  }

  /** Archived ones too: a launched campaign keeps what it has pinned. */
  templates(tx: Tx, tenantId: string, keys: readonly TemplateVersionKey[]): Promise<(NamedTemplate & TemplateVersionKey)[]> {
    return rows(
      tx,
      `SELECT ${CONTENT}, t.id AS "templateId", k.version FROM unnest($2::uuid[], $3::int[]) AS k (id, version)
         JOIN templates t ON t.tenant_id = $1 AND t.id = k.id
         JOIN template_versions v ON v.tenant_id = $1 AND v.template_id = t.id AND v.version = coalesce(k.version, t.current_version)`,
      [tenantId, keys.map(({ templateId }) => templateId), keys.map(({ version }) => version)],
    );
  }

  /** In their current versions, oldest first. They stay as they are until the transaction ends. */
  templatesNamed(tx: Tx, tenantId: string, names: readonly string[]): Promise<NamedTemplate[]> {
    return rows(
      tx,
      `SELECT ${CONTENT} FROM templates t
         JOIN template_versions v ON v.tenant_id = t.tenant_id AND v.template_id = t.id AND v.version = t.current_version
        WHERE t.tenant_id = $1 AND t.archived_at IS NULL AND t.name = ANY ($2::text[]) ORDER BY t.id FOR SHARE OF t`,
      [tenantId, names],
    );
  }

  campaigns(tx: Tx, tenantId: string, ids: readonly string[]): Promise<{ id: string; name: string }[]> {
    return rows(tx, 'SELECT id, name FROM campaigns WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [tenantId, ids]);
  }

  campaignsNamed(tx: Tx, tenantId: string, names: readonly string[]): Promise<{ id: string; name: string }[]> {
    return rows(tx, 'SELECT id, name FROM campaigns WHERE tenant_id = $1 AND name = ANY ($2::text[])', [tenantId, names]);
  }

  async providerAccountName(tx: Tx, tenantId: string, id: string): Promise<string | null> {
    const sql = 'SELECT name FROM provider_accounts WHERE tenant_id = $1 AND id = $2';
    return (await row<{ name: string }>(tx, sql, [tenantId, id]))?.name ?? null;
  }

  async providerAccountNamed(tx: Tx, tenantId: string, name: string): Promise<string | null> {
    const sql = 'SELECT id FROM provider_accounts WHERE tenant_id = $1 AND name = $2 AND archived_at IS NULL';
    return (await row<{ id: string }>(tx, sql, [tenantId, name]))?.id ?? null;
  }
}
