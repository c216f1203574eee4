import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';

export interface TenantRow {
  id: string;
  name: string;
  timezone: string;
  postalAddress: string | null;
  softBounceLimit: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface TenantChanges {
  name?: string;
  timezone?: string;
  postalAddress?: string | null;
  softBounceLimit?: number;
}

const COLUMNS = `id, name, timezone, postal_address AS "postalAddress", soft_bounce_limit AS "softBounceLimit", created_at AS "createdAt", updated_at AS "updatedAt"`;

@Injectable()
export class TenantsQueries {
  async find(tx: Tx, tenantId: string): Promise<TenantRow | null> {
    return row<TenantRow>(tx, `SELECT ${COLUMNS} FROM tenants WHERE id = $1`, [tenantId]);
  }

  /** Locks the row until the end of the transaction, so that `If-Match` is compared with what is then changed. */
  async lock(tx: Tx, tenantId: string): Promise<TenantRow | null> {
    return row<TenantRow>(tx, `SELECT ${COLUMNS} FROM tenants WHERE id = $1 FOR UPDATE`, [tenantId]);
  }

  async insert(tx: Tx, tenant: { id: string; name: string; timezone: string; postalAddress: string | null }): Promise<void> {
    await affected(tx, 'INSERT INTO tenants (id, name, timezone, postal_address) VALUES ($1, $2, $3, $4)', [
      tenant.id,
      tenant.name,
      tenant.timezone,
      tenant.postalAddress,
    ]);
  }

  async update(tx: Tx, tenantId: string, { name, timezone, postalAddress, softBounceLimit }: TenantChanges): Promise<TenantRow | null> {
    return row<TenantRow>(
      tx,
      `UPDATE tenants
          SET name = coalesce($2, name), timezone = coalesce($3, timezone), postal_address = CASE WHEN $4 THEN $5 ELSE postal_address END,
              soft_bounce_limit = coalesce($6, soft_bounce_limit)
        WHERE id = $1
        RETURNING ${COLUMNS}`,
      [tenantId, name ?? null, timezone ?? null, postalAddress !== undefined, postalAddress ?? null, softBounceLimit ?? null],
    );
  }

  /** The id of the only tenant there is. As `exists`. */
  async findOnly(tx: Tx): Promise<string | null> {
    const found = await rows<{ id: string }>(tx, 'SELECT id FROM tenants LIMIT 2');
    return found.length === 1 ? found[0].id : null;
  }

  /** Is there any tenant at all? Only in a system transaction does this look at all of them. */
  async exists(tx: Tx): Promise<boolean> {
    return (await row(tx, 'SELECT 1 FROM tenants LIMIT 1')) !== null;
  }
}
