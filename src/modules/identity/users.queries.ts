import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import type { Role } from './domain/permissions.js';

export interface UserRow {
  id: string;
  email: string;
  name: string;
  role: Role;
  disabledAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface UserChanges {
  name?: string;
  role?: Role;
  /** A date disables; null enables again. */
  disabledAt?: Date | null;
}

const COLUMNS = `id, email, name, role, disabled_at AS "disabledAt", created_at AS "createdAt", updated_at AS "updatedAt"`;

@Injectable()
export class UsersQueries {
  async list(tx: Tx, tenantId: string, before: string | null, limit: number): Promise<UserRow[]> {
    return rows<UserRow>(
      tx,
      `SELECT ${COLUMNS} FROM users WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [tenantId, before, limit],
    );
  }

  async find(tx: Tx, tenantId: string, id: string): Promise<UserRow | null> {
    return row<UserRow>(tx, `SELECT ${COLUMNS} FROM users WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  async findByEmail(tx: Tx, tenantId: string, email: string): Promise<UserRow | null> {
    return row<UserRow>(tx, `SELECT ${COLUMNS} FROM users WHERE tenant_id = $1 AND email = $2`, [tenantId, email]);
  }

  /**
   * Locks the tenant's owners and this user, in the order of their ids, so that two requests cannot each take away the other of the last two
   * owners.
   */
  async lockWithOwners(tx: Tx, tenantId: string, id: string): Promise<UserRow[]> {
    return rows<UserRow>(
      tx,
      `SELECT ${COLUMNS} FROM users WHERE tenant_id = $1 AND (id = $2 OR (role = 'owner' AND disabled_at IS NULL)) ORDER BY id FOR UPDATE`,
      [tenantId, id],
    );
  }

  /** Null if the address is taken. */
  async insert(tx: Tx, tenantId: string, user: { id: string; email: string; name: string; role: Role }): Promise<UserRow | null> {
    return row<UserRow>(
      tx,
      `INSERT INTO users (tenant_id, id, email, name, role) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (tenant_id, email) DO NOTHING RETURNING ${COLUMNS}`,
      [tenantId, user.id, user.email, user.name, user.role],
    );
  }

  async update(tx: Tx, tenantId: string, id: string, { name, role, disabledAt }: UserChanges): Promise<UserRow | null> {
    return row<UserRow>(
      tx,
      `UPDATE users
          SET name = coalesce($3, name), role = coalesce($4, role),
              disabled_at = CASE WHEN $5 THEN $6::timestamptz ELSE disabled_at END
        WHERE tenant_id = $1 AND id = $2
        RETURNING ${COLUMNS}`,
      [tenantId, id, name ?? null, role ?? null, disabledAt !== undefined, disabledAt ?? null],
    );
  }
}
