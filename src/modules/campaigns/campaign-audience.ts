import { Injectable } from '@nestjs/common';
import { Database, row, rows, sqlState, type Tx } from '../../database/index.js';
import { SegmentsService } from '../segments/index.js';
import type { Campaign } from './domain/campaign.js';
import { homeSegment } from './domain/entry.js';
import type { FrequencyCap } from './domain/pacing.js';

const QUERY_CANCELED = '57014';
/** A warning is not worth more of a launch's time than this. */
const PATIENCE_MS = 5_000;

const DAY_MS = 86_400_000;

/** What would become of everybody in the segment: each is counted once, for the first reason that applies, in this order. */
export interface AudienceBreakdown {
  /** Everybody in the segment: the sum of the others. */
  audience: number;
  noAddress: number;
  suppressed: number;
  unsubscribed: number;
  /** Are in the campaign already, or have been. */
  alreadyEnrolled: number;
  /** Have had as much marketing mail as they may: the first message waits, or is left out, as the cap says. */
  frequencyCapped: number;
  reachable: number;
}

const NOBODY: AudienceBreakdown = {
  audience: 0,
  noAddress: 0,
  suppressed: 0,
  unsubscribed: 0,
  alreadyEnrolled: 0,
  frequencyCapped: 0,
  reachable: 0,
};

/**
 * Why a contact `c` would not be enrolled, as the beginning of a CASE over the placeholders given: the reasons of `AudienceBreakdown` in its order.
 * Goes on with further WHEN or with ELSE.
 */
export function exclusionCase(tenant: string, campaign: string, isTransactional: string): string {
  return `CASE
             WHEN c.email = '' THEN 'noAddress'
             WHEN EXISTS (SELECT FROM suppressions s WHERE s.tenant_id = ${tenant} AND s.email_norm = c.email_norm AND s.reason <> 'unsubscribed') THEN 'suppressed'
             WHEN NOT ${isTransactional}::boolean AND (NOT c.subscribed OR EXISTS (SELECT FROM suppressions s
               WHERE s.tenant_id = ${tenant} AND s.email_norm = c.email_norm AND s.reason = 'unsubscribed')) THEN 'unsubscribed'
             WHEN EXISTS (SELECT FROM campaign_contacts cc WHERE cc.tenant_id = ${tenant} AND cc.campaign_id = ${campaign} AND cc.contact_id = c.id) THEN 'alreadyEnrolled'`;
}

/** Whom a campaign would reach. */
@Injectable()
export class CampaignAudience {
  constructor(
    private readonly db: Database,
    private readonly segments: SegmentsService,
  ) {}

  /** Whether the segment holds at least one contact who may be written to. True if that cannot be found out quickly. */
  async hasAnybody({ tenantId, segmentId }: Campaign, now: Date): Promise<boolean> {
    if (segmentId === null) return false;
    const any = await this.quickly(tenantId, async (tx) => {
      const options = { contactAlias: 'c', tenantParam: '$1', firstParam: 2, now };
      const predicate = await this.segments.compileSegment(tx, tenantId, segmentId, options);
      const found = await row<{ any: boolean }>(
        tx,
        `SELECT EXISTS (SELECT FROM contacts c WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND c.subscribed AND ${predicate.sql}) AS any`,
        [tenantId, ...predicate.params],
      );
      return found!.any;
    });
    return any ?? true;
  }

  /** Who in the segment would get mail, and why the others would not. Null without a segment, or if that cannot be counted quickly. */
  async breakdown(campaign: Campaign, now: Date): Promise<AudienceBreakdown | null> {
    const segmentId = homeSegment(campaign);
    if (segmentId === null) return null;
    const counted = await this.quickly(campaign.tenantId, (tx) => this.count(tx, campaign, segmentId, now));
    if (!counted) return null;
    const breakdown = { ...NOBODY };
    for (const { verdict, count } of counted) {
      breakdown[verdict] = count;
      breakdown.audience += count;
    }
    return breakdown;
  }

  private async count(
    tx: Tx,
    { tenantId, id, category, frequencyCap }: Campaign,
    segmentId: string,
    now: Date,
  ): Promise<{ verdict: keyof AudienceBreakdown; count: number }[]> {
    const isTransactional = category === 'transactional';
    const cap = isTransactional ? null : (frequencyCap ?? (await this.tenantCap(tx, tenantId)));
    const segment = await this.segments.compileSegment(tx, tenantId, segmentId, {
      contactAlias: 'c',
      tenantParam: '$1',
      firstParam: 6,
      now,
    });
    return rows(
      tx,
      `SELECT verdict, count(*)::int AS count FROM (
         SELECT ${exclusionCase('$1', '$2', '$3')}
             WHEN $4::int IS NOT NULL AND (SELECT count(*) FROM campaign_contacts n
               JOIN campaigns k ON k.tenant_id = $1 AND k.id = n.campaign_id AND k.category = 'marketing'
               JOIN emails e ON e.tenant_id = $1 AND e.enrollment_id = n.id AND e.status IN ('sending', 'sent', 'delivered', 'bounced', 'unknown')
               WHERE n.tenant_id = $1 AND n.contact_id = c.id AND coalesce(e.sent_at, e.sending_at) > $5) >= $4::int THEN 'frequencyCapped'
             ELSE 'reachable' END AS verdict
           FROM contacts c WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND (${segment.sql})) judged
        GROUP BY verdict`,
      [tenantId, id, isTransactional, cap?.messages ?? null, new Date(now.getTime() - (cap?.perDays ?? 0) * DAY_MS), ...segment.params],
    );
  }

  private async tenantCap(tx: Tx, tenantId: string): Promise<FrequencyCap | null> {
    const sql = `SELECT settings -> 'frequencyCap' AS cap FROM pacing_settings WHERE tenant_id = $1`;
    return (await row<{ cap: FrequencyCap | null }>(tx, sql, [tenantId]))?.cap ?? null;
  }

  /** Null if it takes longer than a preview is worth. */
  private async quickly<T>(tenantId: string, fn: (tx: Tx) => Promise<T>): Promise<T | null> {
    try {
      return await this.db.inTenant(tenantId, fn, { statementTimeoutMs: PATIENCE_MS });
    } catch (error) {
      if (sqlState(error) === QUERY_CANCELED) return null;
      throw error;
    }
  }
}
