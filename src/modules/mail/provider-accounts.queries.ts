import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { AccountSettings, ProviderKind } from './domain/provider-account.js';

export interface ProviderAccountRow {
  id: string;
  name: string;
  kind: ProviderKind;
  isDefault: boolean;
  settings: AccountSettings;
  secret: Buffer | null;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = `id, name, kind, is_default AS "isDefault", settings, encrypted_secrets AS secret, created_at AS "createdAt", updated_at AS "updatedAt"`;

/** Reads and writes `provider_accounts`. Archived accounts are not there for any of it. */
@Injectable()
export class ProviderAccountsQueries {
  list(tx: Tx, tenantId: string, before: string | null, limit: number): Promise<ProviderAccountRow[]> {
    return rows(
      tx,
      `SELECT ${COLUMNS} FROM provider_accounts
        WHERE tenant_id = $1 AND archived_at IS NULL AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [tenantId, before, limit],
    );
  }

  find(tx: Tx, tenantId: string, id: string): Promise<ProviderAccountRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM provider_accounts WHERE tenant_id = $1 AND id = $2 AND archived_at IS NULL`, [tenantId, id]);
  }

  findDefault(tx: Tx, tenantId: string): Promise<ProviderAccountRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM provider_accounts WHERE tenant_id = $1 AND is_default`, [tenantId]);
  }

  /** What its provider signs with; null if there is no such account. Also of an archived one: of mail it has sent something may still come back. */
  webhookKey(tx: Tx, tenantId: string, id: string): Promise<{ publicKey: string | null } | null> {
    const sql = `SELECT settings ->> 'webhookPublicKey' AS "publicKey" FROM provider_accounts WHERE tenant_id = $1 AND id = $2 AND kind = 'sendgrid'`;
    return row(tx, sql, [tenantId, id]);
  }

  /** Locks the account until the transaction ends. */
  lock(tx: Tx, tenantId: string, id: string): Promise<ProviderAccountRow | null> {
    return row(tx, `SELECT ${COLUMNS} FROM provider_accounts WHERE tenant_id = $1 AND id = $2 AND archived_at IS NULL FOR UPDATE`, [
      tenantId,
      id,
    ]);
  }

  async count(tx: Tx, tenantId: string): Promise<number> {
    const sql = `SELECT count(*)::int AS count FROM provider_accounts WHERE tenant_id = $1 AND archived_at IS NULL`;
    return (await row<{ count: number }>(tx, sql, [tenantId]))!.count;
  }

  async nameTaken(tx: Tx, tenantId: string, name: string, exceptId: string): Promise<boolean> {
    const sql = `SELECT 1 FROM provider_accounts WHERE tenant_id = $1 AND name = $2 AND id <> $3 AND archived_at IS NULL`;
    return (await row(tx, sql, [tenantId, name, exceptId])) !== null;
  }

  /** Serialises the changes of one tenant's accounts, so that one of them is the default at any time. */
  async lockTenant(tx: Tx, tenantId: string): Promise<void> {
    await rows(tx, `SELECT pg_advisory_xact_lock(hashtext('provider-accounts'), hashtext($1))`, [tenantId]);
  }

  async clearDefault(tx: Tx, tenantId: string): Promise<void> {
    await affected(tx, `UPDATE provider_accounts SET is_default = false WHERE tenant_id = $1 AND is_default`, [tenantId]);
  }

  async insert(tx: Tx, tenantId: string, a: Omit<ProviderAccountRow, 'createdAt' | 'updatedAt'>): Promise<ProviderAccountRow> {
    const created = await row<ProviderAccountRow>(
      tx,
      `INSERT INTO provider_accounts (tenant_id, id, name, kind, is_default, settings, encrypted_secrets) VALUES ($1, $2, $3, $4, $5, $6, $7)
       RETURNING ${COLUMNS}`,
      [tenantId, a.id, a.name, a.kind, a.isDefault, JSON.stringify(a.settings), a.secret],
    );
    return created!;
  }

  async update(tx: Tx, tenantId: string, a: Omit<ProviderAccountRow, 'createdAt' | 'updatedAt' | 'kind'>): Promise<ProviderAccountRow> {
    const updated = await row<ProviderAccountRow>(
      tx,
      `UPDATE provider_accounts SET name = $3, is_default = $4, settings = $5, encrypted_secrets = $6 WHERE tenant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
      [tenantId, a.id, a.name, a.isDefault, JSON.stringify(a.settings), a.secret],
    );
    return updated!;
  }

  /** Keeps the row for the campaigns that name it, without its secret. */
  archive(tx: Tx, tenantId: string, id: string, now: Date): Promise<number> {
    return affected(
      tx,
      `UPDATE provider_accounts SET archived_at = $3, encrypted_secrets = NULL, is_default = false WHERE tenant_id = $1 AND id = $2 AND archived_at IS NULL`,
      [tenantId, id, now],
    );
  }

  /** Campaigns that send or are about to send through the account. */
  async campaignsUsing(tx: Tx, tenantId: string, id: string, limit: number): Promise<string[]> {
    const found = await rows<{ id: string }>(
      tx,
      `SELECT id FROM campaigns WHERE tenant_id = $1 AND provider_account_id = $2 AND status IN ('scheduled', 'active', 'paused') ORDER BY id LIMIT $3`,
      [tenantId, id, limit],
    );
    return found.map((campaign) => campaign.id);
  }
}
