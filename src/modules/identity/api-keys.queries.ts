import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { Role } from './domain/permissions.js';

export interface ApiKeyRow {
  id: string;
  name: string;
  hint: string;
  roles: Role[];
  userId: string | null;
  workspaceId: string | null;
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export interface KeyForVerification {
  keyHash: Buffer;
  roles: Role[];
  userId: string | null;
  workspaceId: string | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
  userDisabled: boolean;
}

export interface NewApiKeyRow {
  id: string;
  name: string;
  keyHash: Buffer;
  hint: string;
  roles: Role[];
  userId: string | null;
  workspaceId: string | null;
  createdAt: Date;
  expiresAt: Date | null;
}

const COLUMNS = `id, name, hint, roles, user_id AS "userId", workspace_id AS "workspaceId", created_at AS "createdAt",
  last_used_at AS "lastUsedAt", expires_at AS "expiresAt", revoked_at AS "revokedAt"`;

@Injectable()
export class ApiKeysQueries {
  async list(tx: Tx, tenantId: string, before: string | null, limit: number): Promise<ApiKeyRow[]> {
    return rows<ApiKeyRow>(
      tx,
      `SELECT ${COLUMNS} FROM api_keys WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [tenantId, before, limit],
    );
  }

  async find(tx: Tx, tenantId: string, id: string): Promise<ApiKeyRow | null> {
    return row<ApiKeyRow>(tx, `SELECT ${COLUMNS} FROM api_keys WHERE tenant_id = $1 AND id = $2`, [tenantId, id]);
  }

  async insert(tx: Tx, tenantId: string, key: NewApiKeyRow): Promise<ApiKeyRow> {
    const inserted = await row<ApiKeyRow>(
      tx,
      `INSERT INTO api_keys (tenant_id, id, name, key_hash, hint, roles, user_id, workspace_id, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       RETURNING ${COLUMNS}`,
      [tenantId, key.id, key.name, key.keyHash, key.hint, key.roles, key.userId, key.workspaceId, key.createdAt, key.expiresAt],
    );
    return inserted!;
  }

  /** Revoking twice keeps the first moment. Null if there is no such key. */
  async revoke(tx: Tx, tenantId: string, id: string, now: Date): Promise<ApiKeyRow | null> {
    return row<ApiKeyRow>(
      tx,
      `UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE tenant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
      [tenantId, id, now],
    );
  }

  /** The key, locked until the end of the transaction. */
  async lock(tx: Tx, tenantId: string, id: string): Promise<ApiKeyRow | null> {
    return row<ApiKeyRow>(tx, `SELECT ${COLUMNS} FROM api_keys WHERE tenant_id = $1 AND id = $2 FOR UPDATE`, [tenantId, id]);
  }

  /** Ends a key at `at`, unless it ends before. */
  async expire(tx: Tx, tenantId: string, id: string, at: Date): Promise<void> {
    await affected(tx, `UPDATE api_keys SET expires_at = least(expires_at, $3::timestamptz) WHERE tenant_id = $1 AND id = $2`, [
      tenantId,
      id,
      at,
    ]);
  }

  async findForVerification(tx: Tx, tenantId: string, id: string): Promise<KeyForVerification | null> {
    return row<KeyForVerification>(
      tx,
      `SELECT k.key_hash AS "keyHash", k.roles, k.user_id AS "userId", k.workspace_id AS "workspaceId", k.expires_at AS "expiresAt",
              k.revoked_at AS "revokedAt", u.disabled_at IS NOT NULL AS "userDisabled"
         FROM api_keys k
         LEFT JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
        WHERE k.tenant_id = $1 AND k.id = $2`,
      [tenantId, id],
    );
  }

  /** Notes the use of a key, at most once a minute. */
  async touch(tx: Tx, tenantId: string, id: string, now: Date): Promise<void> {
    await affected(
      tx,
      `UPDATE api_keys SET last_used_at = $3::timestamptz
        WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3::timestamptz - interval '1 minute')`,
      [tenantId, id, now],
    );
  }
}
