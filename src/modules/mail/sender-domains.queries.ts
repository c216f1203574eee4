import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { CheckedDomain, SenderDomainSettings, SenderDomainStatus, SenderRecords } from './domain/sender-domain.js';

export interface SenderDomainRow extends CheckedDomain {
  id: string;
  createdAt: Date;
}

const COLUMNS = `id, domain, dkim_selectors AS "dkimSelectors", spf_include AS "spfInclude", status, checked_at AS "checkedAt", records,
  created_at AS "createdAt"`;

/** Reads and writes `sender_domains`. */
@Injectable()
export class SenderDomainsQueries {
  list(tx: Tx, tenantId: string, before: string | null, limit: number): Promise<SenderDomainRow[]> {
    return rows(
      tx,
      `SELECT ${COLUMNS} FROM sender_domains WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [tenantId, before, limit],
    );
  }

  find(tx: Tx, tenantId: string, id: string): Promise<SenderDomainRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM sender_domains WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  async count(tx: Tx, tenantId: string): Promise<number> {
    return (await row<{ count: number }>(tx, `SELECT count(*)::int AS count FROM sender_domains WHERE tenant_id = $1`, [tenantId]))!.count;
  }

  /** Null if the tenant has the domain already. */
  insert(
    tx: Tx,
    tenantId: string,
    id: string,
    { domain, dkimSelectors, spfInclude }: SenderDomainSettings,
  ): Promise<SenderDomainRow | null> {
    return row(
      tx,
      `INSERT INTO sender_domains (tenant_id, id, domain, dkim_selectors, spf_include) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (tenant_id, domain) DO NOTHING RETURNING ${COLUMNS}`,
      [tenantId, id, domain, dkimSelectors, spfInclude],
    );
  }

  /** Null if the domain has been deleted meanwhile. Of two checks at once the one that began later counts. */
  record(
    tx: Tx,
    tenantId: string,
    id: string,
    found: { status: SenderDomainStatus; checkedAt: Date; records: SenderRecords },
  ): Promise<SenderDomainRow | null> {
    return row(
      tx,
      `WITH changed AS (
         UPDATE sender_domains SET status = $3, checked_at = $4, records = $5
          WHERE tenant_id = $1 AND id = $2 AND (checked_at IS NULL OR checked_at <= $4) RETURNING ${COLUMNS}
       )
       SELECT * FROM changed
       UNION ALL SELECT ${COLUMNS} FROM sender_domains WHERE tenant_id = $1 AND id = $2 AND NOT EXISTS (SELECT FROM changed)`,
      [tenantId, id, found.status, found.checkedAt, JSON.stringify(found.records)],
    );
  }

  remove(tx: Tx, tenantId: string, id: string): Promise<number> {
    return affected(tx, `DELETE FROM sender_domains WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }
}
