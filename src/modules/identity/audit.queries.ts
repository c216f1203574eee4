import { Injectable } from '@nestjs/common';
import { affected, rows, type Tx } from '../../database/index.js';

export interface AuditRow {
  id: string;
  at: Date;
  actorType: string;
  actorId: string | null;
  action: string;
  entityType: string;
  entityId: string | null;
  before: unknown;
  after: unknown;
  ip: string | null;
  userAgent: string | null;
}

export interface AuditFilter {
  /** An action, or the beginning of some with `*` behind it. */
  action?: string;
  entityType?: string;
  entityId?: string;
  actorId?: string;
  from: Date | null;
  to: Date | null;
}

@Injectable()
export class AuditQueries {
  /** Appends one entry; the log is never changed. */
  async append(tx: Tx, tenantId: string, entry: AuditRow): Promise<void> {
    await affected(
      tx,
      `INSERT INTO audit_log (tenant_id, id, at, actor_type, actor_id, action, entity_type, entity_id, before, after, ip, user_agent)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11, $12)`,
      [
        tenantId,
        entry.id,
        entry.at,
        entry.actorType,
        entry.actorId,
        entry.action,
        entry.entityType,
        entry.entityId,
        json(entry.before),
        json(entry.after),
        entry.ip,
        entry.userAgent,
      ],
    );
  }

  /** Newest first, those before the entry `before`. */
  list(tx: Tx, tenantId: string, filter: AuditFilter, before: string | null, limit: number): Promise<AuditRow[]> {
    const { action, entityType, entityId, actorId, from, to } = filter;
    const isPrefix = action?.endsWith('*') === true;
    return rows<AuditRow>(
      tx,
      `SELECT id, at, actor_type AS "actorType", actor_id AS "actorId", action, entity_type AS "entityType", entity_id AS "entityId", before, after,
              ip, user_agent AS "userAgent"
         FROM audit_log
        WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2)
          AND ($3::text IS NULL OR CASE WHEN $4 THEN starts_with(action, $3) ELSE action = $3 END)
          AND ($5::text IS NULL OR entity_type = $5) AND ($6::uuid IS NULL OR entity_id = $6) AND ($7::uuid IS NULL OR actor_id = $7)
          AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
        ORDER BY id DESC LIMIT $10`,
      [
        tenantId,
        before,
        (isPrefix ? action.slice(0, -1) : action) ?? null,
        isPrefix,
        entityType ?? null,
        entityId ?? null,
        actorId ?? null,
        from,
        to,
        limit,
      ],
    );
  }
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
