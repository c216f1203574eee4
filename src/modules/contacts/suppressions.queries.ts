import { Injectable } from '@nestjs/common';
import { affected, row, type Tx } from '../../database/index.js';
import type { SuppressionReason } from './entities/index.js';

export interface NewSuppression {
  email: string;
  reason: SuppressionReason;
  /** Who said so: `page`, `one_click`, `api`, `provider`, `erasure`. */
  source: string;
  detail?: string;
}

/** Reads and writes `suppressions`. Addresses are compared without regard to case. */
@Injectable()
export class SuppressionsQueries {
  /**
   * Adds what is new and returns how many rows were added or changed. The first reason stays, except that anything stronger replaces
   * `unsubscribed`: a person may take that back, and a complaint behind it must not vanish with it. Idempotent.
   */
  add(tx: Tx, tenantId: string, entries: NewSuppression[], now: Date): Promise<number> {
    return affected(
      tx,
      `INSERT INTO suppressions AS s (tenant_id, email_norm, reason, source, detail, created_at)
       SELECT DISTINCT ON (lower(e.email)) $1, lower(e.email), e.reason, left(e.source, 50), e.detail, $3
         FROM json_to_recordset($2::json) AS e (email text, reason text, source text, detail text)
        ORDER BY lower(e.email), e.reason = 'unsubscribed'
       ON CONFLICT (tenant_id, email_norm) DO UPDATE
          SET reason = excluded.reason, source = excluded.source, detail = excluded.detail, created_at = excluded.created_at
        WHERE s.reason = 'unsubscribed' AND excluded.reason <> 'unsubscribed'`,
      [tenantId, JSON.stringify(entries), now],
    );
  }

  /** Whatever stood there, `erased` stands there now, and nothing else about the person. */
  markErased(tx: Tx, tenantId: string, email: string, now: Date): Promise<number> {
    return affected(
      tx,
      `INSERT INTO suppressions (tenant_id, email_norm, reason, source, created_at) VALUES ($1, lower($2), 'erased', 'erasure', $3)
       ON CONFLICT (tenant_id, email_norm) DO UPDATE SET reason = 'erased', source = 'erasure', detail = NULL`,
      [tenantId, email, now],
    );
  }

  async reasonFor(tx: Tx, tenantId: string, email: string): Promise<{ reason: SuppressionReason; createdAt: Date } | null> {
    return row(tx, `SELECT reason, created_at AS "createdAt" FROM suppressions WHERE tenant_id = $1 AND email_norm = lower($2)`, [
      tenantId,
      email,
    ]);
  }

  removeUnsubscribed(tx: Tx, tenantId: string, email: string): Promise<number> {
    return affected(tx, `DELETE FROM suppressions WHERE tenant_id = $1 AND email_norm = lower($2) AND reason = 'unsubscribed'`, [
      tenantId,
      email,
    ]);
  }
}
