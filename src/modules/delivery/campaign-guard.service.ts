import { Injectable, Logger } from '@nestjs/common';
import { Database, row, rows, type Tx } from '../../database/index.js';
import { CampaignControlService } from '../campaigns/index.js';
import { verdictOn, type GuardedCampaign } from './domain/pause-rules.js';

/** A campaign's figures are looked at no more often than this. */
const INTERVAL_MS = 1_000;
const CAMPAIGNS_PER_SWEEP = 500;
const MAX_REMEMBERED = 10_000;

/** Pauses campaigns whose bounces or complaints harm the sender. Looks where something came back, and at every active campaign in the sweep. */
@Injectable()
export class CampaignGuard {
  private readonly logger = new Logger('Delivery');
  private readonly noted = new Map<string, { tenantId: string; campaignId: string }>();
  private readonly checkedAt = new Map<string, number>();

  constructor(
    private readonly db: Database,
    private readonly control: CampaignControlService,
  ) {}

  /** Something bad came back about a message of the campaign. Cheap: the looking is done by `checkNoted`, after the transaction. */
  note(tenantId: string, campaignId: string): void {
    this.noted.set(campaignId, { tenantId, campaignId });
  }

  async checkNoted(): Promise<void> {
    const now = performance.now();
    const due = [...this.noted.values()].filter(({ campaignId }) => now - (this.checkedAt.get(campaignId) ?? -Infinity) >= INTERVAL_MS);
    for (const { tenantId, campaignId } of due) {
      this.noted.delete(campaignId);
      await this.check(tenantId, campaignId);
    }
  }

  /** Every active campaign of every tenant: what a process noted and lost by a crash is found here. */
  async checkAll(): Promise<void> {
    const active = await this.db.asSystem((tx) =>
      rows<{ tenantId: string; campaignId: string }>(
        tx,
        `SELECT tenant_id AS "tenantId", id AS "campaignId" FROM campaigns WHERE status = 'active' ORDER BY tenant_id, id LIMIT $1`,
        [CAMPAIGNS_PER_SWEEP],
      ),
    );
    for (const { tenantId, campaignId } of active) await this.check(tenantId, campaignId);
  }

  /** Pauses the campaign if it is over a threshold; true if this call did. Decided under the campaign's lock, so only one of many does it. */
  async check(tenantId: string, campaignId: string): Promise<boolean> {
    if (this.checkedAt.size > MAX_REMEMBERED) this.checkedAt.clear();
    this.checkedAt.set(campaignId, performance.now());
    const found = await this.db.inTenant(tenantId, (tx) => figures(tx, tenantId, campaignId));
    if (!found || !verdictOn(found)) return false;
    const paused = await this.control.pauseFor(tenantId, campaignId, async (tx) => {
      const again = await figures(tx, tenantId, campaignId);
      return again && verdictOn(again);
    });
    if (paused) this.logger.warn(`Campaign ${campaignId} was paused: ${paused.pauseDetail}`);
    return paused !== null;
  }
}

/** Since the launch, or since somebody resumed it: whoever resumes a paused campaign has seen what was before. Null unless it is active. */
function figures(tx: Tx, tenantId: string, campaignId: string): Promise<GuardedCampaign | null> {
  return row(
    tx,
    `SELECT c.pause_thresholds AS "pauseThresholds", p.settings -> 'pauseThresholds' AS "tenantThresholds",
            s.sent + r.refused AS sent, s.bounced + r.refused AS bounced, s.complained
       FROM campaigns c LEFT JOIN pacing_settings p ON p.tenant_id = c.tenant_id
      CROSS JOIN LATERAL (SELECT coalesce(c.rates_counted_from, '-infinity') AS since) f
      CROSS JOIN LATERAL (
        SELECT count(*)::int AS sent, count(e.bounced_at)::int AS bounced, count(e.complained_at)::int AS complained
          FROM emails e WHERE e.tenant_id = $1 AND e.campaign_id = $2 AND e.sent_at IS NOT NULL AND e.sent_at >= f.since) s
      CROSS JOIN LATERAL (
        SELECT count(*)::int AS refused FROM emails e
         WHERE e.tenant_id = $1 AND e.campaign_id = $2 AND e.status = 'failed' AND e.reason = 'recipient_refused' AND e.settled_at >= f.since) r
      WHERE c.tenant_id = $1 AND c.id = $2 AND c.status = 'active'`,
    [tenantId, campaignId],
  );
}
