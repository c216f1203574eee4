import { Injectable } from '@nestjs/common';
import { affected, type Tx } from '../../database/index.js';

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
}

@Injectable()
export class AuditQueries {
  /** Appends one entry; the log is never changed. */
  async append(tx: Tx, tenantId: string, entry: AuditRow): Promise<void> {
    await affected(
      tx,
      `INSERT INTO audit_log (tenant_id, id, at, actor_type, actor_id, action, entity_type, entity_id, before, after)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb)`,
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
      ],
    );
  }
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
