import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Clock } from '../../shared/clock.js';
import { failPoint } from '../../shared/fail-point.js';
import { Database, row, type Tx } from '../../database/index.js';
import { type Campaign, CampaignLaunchStore, CampaignsService, shareSteps } from '../campaigns/index.js';
import { SegmentsService, type SqlFragment } from '../segments/index.js';
import { StepsService } from '../steps/index.js';
import { firstDue, firstDueByZone } from './domain/first-due.js';
import { COUNT_PARAMS, ENROLL_PARAMS, EnrollmentEngineQueries } from './enrollment-engine.queries.js';

/** Advisory lock namespace: one worker at a time enrols the audience of a campaign. */
const ENROLL_LOCK = 0x656e726f;

/** Counting or scanning a large audience by an unindexed rule takes longer than ordinary statements may. */
const STATEMENT_TIMEOUT_MS = 300_000;

/** The campaign ended while a chunk was being enrolled: undoes the chunk. */
class CampaignGone extends Error {}

/**
 * Enrols the audience of a launched campaign in chunks, each its own transaction that also stores the cursor: a crash at any point continues
 * where it stopped and enrols nobody twice. Sending may begin while later chunks are still being enrolled.
 */
@Injectable()
export class AudienceEnrollment {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly queries: EnrollmentEngineQueries,
    private readonly campaigns: CampaignsService,
    private readonly launches: CampaignLaunchStore,
    private readonly segments: SegmentsService,
    private readonly steps: StepsService,
  ) {}

  /** Goes on until the audience is enrolled, the campaign stops being active, another worker is at it, or `maxMs` is used up. */
  async enrollCampaign(tenantId: string, campaignId: string, { maxMs }: { maxMs: number }): Promise<{ enrolled: number; more: boolean }> {
    const deadline = performance.now() + maxMs;
    let enrolled = 0;
    for (;;) {
      const chunk = await this.db
        .inTenant(tenantId, (tx) => this.chunk(tx, tenantId, campaignId), { statementTimeoutMs: STATEMENT_TIMEOUT_MS })
        .catch((error: unknown) => {
          if (error instanceof CampaignGone) return { enrolled: 0, done: true };
          throw error;
        });
      await failPoint('enroll_after_commit');
      enrolled += chunk.enrolled;
      if (chunk.done) return { enrolled, more: false };
      if (performance.now() > deadline) return { enrolled, more: true };
    }
  }

  private async chunk(tx: Tx, tenantId: string, campaignId: string): Promise<{ enrolled: number; done: boolean }> {
    const lock = await row<{ won: boolean }>(tx, `SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS won`, [ENROLL_LOCK, campaignId]);
    if (!lock?.won) return { enrolled: 0, done: true };
    await shareSteps(tx, campaignId);
    const campaign = await this.campaigns.get(tx, tenantId, campaignId);
    const hasEnded = campaign.endDate !== null && campaign.endDate <= this.clock.now();
    if (campaign.status !== 'active' || campaign.launchState !== 'enrolling' || hasEnded) return { enrolled: 0, done: true };
    const flow = await this.steps.loadFlow(tx, tenantId, campaignId, campaign.stepsVersion);
    // Into a triggered campaign people come one by one.
    if (campaign.campaignType === 'triggered' || !campaign.segmentId || !flow.firstStepId) {
      await this.launches.recordEnrollProgress(tx, tenantId, campaignId, { cursor: null, enrolled: 0, state: 'enrolled' });
      return { enrolled: 0, done: true };
    }
    const total = campaign.enrollCursor === null ? await this.countAudience(tx, campaign) : undefined;
    return this.enrollNext(tx, campaign, flow.firstStepId, total);
  }

  private async enrollNext(
    tx: Tx,
    campaign: Campaign,
    firstStepId: string,
    total: number | undefined,
  ): Promise<{ enrolled: number; done: boolean }> {
    const now = this.clock.now();
    const { enrollChunk: limit } = this.config.engine;
    const { enrolled, seen, cursor } = await this.queries.enrollChunk(
      tx,
      campaign.tenantId,
      {
        campaignId: campaign.id,
        firstStepId,
        cursor: campaign.enrollCursor,
        limit,
        now,
        includeUnsubscribed: campaign.category === 'transactional',
        ...(await this.dueTimes(tx, campaign, now)),
      },
      await this.audience(tx, campaign, ENROLL_PARAMS + 1),
    );
    const done = seen < limit;
    const state = done ? 'enrolled' : 'enrolling';
    if (!(await this.launches.recordEnrollProgress(tx, campaign.tenantId, campaign.id, { cursor, enrolled, state, total })))
      throw new CampaignGone();
    await failPoint('enroll_before_commit');
    return { enrolled, done };
  }

  /** Only for showing progress; the number of people really enrolled is counted as they are. */
  private async countAudience(tx: Tx, campaign: Campaign): Promise<number> {
    return this.queries.countAudience(
      tx,
      campaign.tenantId,
      { campaignId: campaign.id, includeUnsubscribed: campaign.category === 'transactional' },
      await this.audience(tx, campaign, COUNT_PARAMS + 1),
    );
  }

  /** Rules about time look at the moment of the launch, so that every chunk sees the same audience. */
  private audience(tx: Tx, campaign: Campaign, firstParam: number): Promise<SqlFragment> {
    return this.segments.compileSegment(tx, campaign.tenantId, campaign.segmentId!, {
      contactAlias: 'c',
      firstParam,
      tenantParam: '$1',
      now: campaign.launchedAt!,
    });
  }

  /** When the first step is due: see `firstDue`. */
  async dueTimes(tx: Tx, campaign: Campaign, now: Date): Promise<{ dueAt: Date; dueByZone: Map<string, Date> }> {
    const zones = campaign.startInContactZone ? await this.queries.listZones(tx, campaign.tenantId) : [];
    return { dueAt: firstDue(campaign, now, null), dueByZone: firstDueByZone(campaign, now, zones) };
  }
}
