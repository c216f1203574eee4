import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { Campaign } from '../campaigns/index.js';
import type { CampaignVersion, PublishPolicy } from './domain/version.js';

const COLUMNS = `tenant_id AS "tenantId", campaign_id AS "campaignId", version, status, based_on AS "basedOn", policy, created_by AS "createdBy",
  created_at AS "createdAt", published_by AS "publishedBy", published_at AS "publishedAt"`;

/** Every statement on `campaign_versions`. Writers hold the lock of the campaign's row. */
@Injectable()
export class VersionsQueries {
  /** Newest first. */
  list(tx: Tx, tenantId: string, campaignId: string): Promise<CampaignVersion[]> {
    const sql = `SELECT ${COLUMNS} FROM campaign_versions WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY version DESC`;
    return rows<CampaignVersion>(tx, sql, [tenantId, campaignId]);
  }

  find(tx: Tx, tenantId: string, campaignId: string, version: number): Promise<CampaignVersion | null> {
    const sql = `SELECT ${COLUMNS} FROM campaign_versions WHERE tenant_id = $1 AND campaign_id = $2 AND version = $3`;
    return row<CampaignVersion>(tx, sql, [tenantId, campaignId, version]);
  }

  /** The version a campaign was launched with. Repeating it changes nothing. */
  async recordLaunch(tx: Tx, { tenantId, id, stepsVersion, createdBy, createdAt }: Campaign, at: Date): Promise<void> {
    await affected(
      tx,
      `INSERT INTO campaign_versions (tenant_id, campaign_id, version, status, created_by, created_at, published_at)
       VALUES ($1, $2, $3, 'live', $4, $5, $6) ON CONFLICT DO NOTHING`,
      [tenantId, id, stepsVersion, createdBy, createdAt, at],
    );
  }

  /** A draft under the next number. */
  async draft(
    tx: Tx,
    tenantId: string,
    campaignId: string,
    d: { basedOn: number; by: string | null; now: Date },
  ): Promise<CampaignVersion> {
    const created = await row<CampaignVersion>(
      tx,
      `INSERT INTO campaign_versions (tenant_id, campaign_id, version, status, based_on, created_by, created_at)
       SELECT $1, $2, max(version) + 1, 'draft', $3, $4, $5 FROM campaign_versions WHERE tenant_id = $1 AND campaign_id = $2
       RETURNING ${COLUMNS}`,
      [tenantId, campaignId, d.basedOn, d.by, d.now],
    );
    return created!;
  }

  async discard(tx: Tx, tenantId: string, campaignId: string, version: number): Promise<void> {
    const sql = `UPDATE campaign_versions SET status = 'discarded' WHERE tenant_id = $1 AND campaign_id = $2 AND version = $3 AND status = 'draft'`;
    await affected(tx, sql, [tenantId, campaignId, version]);
  }

  /** `version` is live instead of the one that was; its `basedOn` stays where none is given. */
  async goLive(
    tx: Tx,
    tenantId: string,
    campaignId: string,
    v: { version: number; basedOn?: number; policy: PublishPolicy; by: string | null; now: Date },
  ): Promise<CampaignVersion> {
    const supersede = `UPDATE campaign_versions SET status = 'superseded' WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'live'`;
    await affected(tx, supersede, [tenantId, campaignId]);
    const live = await row<CampaignVersion>(
      tx,
      `UPDATE campaign_versions SET status = 'live', policy = $4, published_by = $5, published_at = $6, based_on = coalesce($7, based_on)
        WHERE tenant_id = $1 AND campaign_id = $2 AND version = $3 RETURNING ${COLUMNS}`,
      [tenantId, campaignId, v.version, v.policy, v.by, v.now, v.basedOn ?? null],
    );
    return live!;
  }
}
