import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';

export interface WorkspaceRow {
  id: string;
  name: string;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = `id, name, created_at AS "createdAt", updated_at AS "updatedAt"`;

@Injectable()
export class WorkspacesQueries {
  async list(tx: Tx, tenantId: string, before: string | null, limit: number): Promise<WorkspaceRow[]> {
    return rows<WorkspaceRow>(
      tx,
      `SELECT ${COLUMNS} FROM workspaces WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [tenantId, before, limit],
    );
  }

  async exists(tx: Tx, tenantId: string, id: string): Promise<boolean> {
    return (await row(tx, 'SELECT 1 FROM workspaces WHERE tenant_id = $1 AND id = $2', [tenantId, id])) !== null;
  }

  /** Null if the name is taken. */
  async insert(tx: Tx, tenantId: string, { id, name }: { id: string; name: string }): Promise<WorkspaceRow | null> {
    return row<WorkspaceRow>(
      tx,
      `INSERT INTO workspaces (tenant_id, id, name) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, name) DO NOTHING RETURNING ${COLUMNS}`,
      [tenantId, id, name],
    );
  }
}
