import { Injectable } from '@nestjs/common';
import { Database, rows, sqlState, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { type Campaign, CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { StepsService, type Flow, type FlowStep } from '../steps/index.js';
import { UnsupportedTimeZone } from './analytics.errors.js';
import { BucketsQueries, type Cohort, type Granularity, type SeriesRow } from './buckets.queries.js';
import { DaysQueries } from './days.queries.js';
import { addUp, NOTHING_AT_ALL, ratesOf, type DetailedCounts, type Rates } from './domain/counts.js';
import { enteredCounts } from './domain/funnel.js';
import {
  daysOf,
  MAX_HOURLY_DAYS,
  MAX_REPORT_DAYS,
  resolveRange,
  startsOf,
  weeksOf,
  type RangeRequest,
  type ReportRange,
} from './domain/report-range.js';
import { emptyStanding, NO_STEP, standingsOf, type StepStanding } from './domain/step-standing.js';
import type { CampaignSummaryDto } from './dto/summary.dto.js';

export interface ReportRequest extends Partial<RangeRequest> {
  granularity?: Granularity;
  cohort?: Cohort;
}

/** One row of a series. `date` is the day, that of the hour, or the Monday of the week. */
export interface PeriodReport extends DetailedCounts, Rates {
  date: string;
  /** When it begins. */
  startsAt: Date;
}

export interface StepReport extends Rates, Omit<StepStanding, 'planned' | 'waiting' | 'completed' | 'unplanned' | 'reentered'> {
  stepId: string;
  /** Of the campaign's steps: the live one, or one that has been. */
  version: number;
  stepOrder: number;
  stepName: string | null;
  stepType: FlowStep['type'];
  entered: number | null;
  waitingNow: number;
  emailsSent: number;
  emailsDelivered: number;
  opens: number;
  uniqueOpens: number;
  machineOpens: number;
  clicks: number;
  uniqueClicks: number;
  machineClicks: number;
  replies: number;
  bounces: number;
  bouncesHard: number;
  bouncesSoft: number;
  bouncesBlocked: number;
  spamComplaints: number;
  unsubscribes: number;
}

export interface CampaignReport {
  range: Omit<ReportRange, 'from' | 'to'> & { granularity: Granularity; cohort: Cohort };
  overall: PeriodReport[];
  byStep: StepReport[];
  totals: DetailedCounts & Rates;
}

const INVALID_PARAMETER = '22023';

/** A campaign's numbers as they are at this moment, from the rollups and what is not rolled up yet. */
@Injectable()
export class ReportService {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly days: DaysQueries,
    private readonly buckets: BucketsQueries,
  ) {}

  async report(ctx: TenantContext, campaignId: string, asked: ReportRequest): Promise<CampaignReport> {
    const { tenantId } = ctx;
    const { granularity = 'day', cohort = 'event' } = asked;
    return this.db.inTenant(tenantId, async (tx) => {
      // One snapshot, so that the days and the steps agree while the engine works.
      await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const campaign = await this.campaigns.get(tx, tenantId, campaignId);
      const maxDays = granularity === 'hour' ? MAX_HOURLY_DAYS : MAX_REPORT_DAYS;
      const range = resolveRange({ ...asked, timezone: asked.timezone ?? campaign.timezone, maxDays }, campaign, this.clock.now());
      const overall = await this.series(tx, campaign, range, granularity, cohort);
      const { startDate, endDate, timezone } = range;
      return {
        range: { startDate, endDate, timezone, granularity, cohort },
        overall,
        byStep: await this.byStep(tx, campaign),
        totals: withRates(addUp(overall)),
      };
    });
  }

  /** For `GET /api/campaigns/:id`: the totals of the whole life of the campaign, and the last day stored. */
  async summary(tx: Tx, campaign: Campaign): Promise<CampaignSummaryDto> {
    const totals = campaign.launchedAt ? await this.buckets.total(tx, campaign.tenantId, campaign.id) : NOTHING_AT_ALL;
    const latest = campaign.launchedAt ? await this.days.latest(tx, campaign.tenantId, campaign.id) : null;
    return { ...withRates(totals), latestDay: latest && { ...latest, ...ratesOf(latest) } };
  }

  private async series(tx: Tx, campaign: Campaign, range: ReportRange, granularity: Granularity, cohort: Cohort): Promise<PeriodReport[]> {
    const { from, to, timezone } = range;
    const counted = await this.buckets
      .series(tx, campaign.tenantId, { campaignId: campaign.id, from, to, timezone, granularity, cohort })
      .catch((error: unknown) => {
        throw sqlState(error) === INVALID_PARAMETER ? new UnsupportedTimeZone(timezone) : error;
      });
    return filled(counted, range, granularity).map(({ date, startsAt, counts }) => ({ date, startsAt, ...withRates(counts) }));
  }

  private async byStep(tx: Tx, campaign: Campaign): Promise<StepReport[]> {
    const { tenantId, id, stepsVersion } = campaign;
    const live = await this.steps.loadFlow(tx, tenantId, id, stepsVersion);
    const counted = new Map((await this.buckets.bySteps(tx, tenantId, id)).map((row) => [row.stepId, row]));
    const standings = standingsOf(await this.buckets.states(tx, tenantId, id));
    const isEdited = campaign.stepsRevision > 0;
    const isWhole = !isEdited || (await this.buckets.hasMovedNobody(tx, tenantId, id, campaign.stepsRevision));
    const former = isEdited ? await this.formerFlows(tx, campaign, live, [...counted.keys(), ...standings.keys()]) : [];
    const entered = new Map([live, ...former].flatMap((flow) => [...enteredBySteps(flow, isWhole, standings)]));
    const hasNumbers = (id: string): boolean => live.steps.has(id) || counted.has(id) || standings.has(id) || (entered.get(id) ?? 0) > 0;
    const steps = [live, ...former]
      .flatMap((flow) => [...flow.steps.values()].map((step) => ({ ...step, version: flow.version })))
      .filter((step) => hasNumbers(step.id));
    return steps.map((step) => ({
      version: step.version,
      ...stepReport(step, counted.get(step.id) ?? NOTHING_AT_ALL, standings.get(step.id) ?? emptyStanding(), entered.get(step.id) ?? null),
    }));
  }

  /** Other versions that have steps with numbers, in order. */
  private async formerFlows(tx: Tx, { tenantId, id }: Campaign, live: Flow, counted: string[]): Promise<Flow[]> {
    const elsewhere = new Set(counted.filter((stepId) => !live.steps.has(stepId)));
    const flows: Flow[] = [];
    for (const version of await this.steps.versionsOf(tx, tenantId, [...elsewhere])) {
      flows.push(await this.steps.loadFlow(tx, tenantId, id, version));
    }
    return flows;
  }
}

interface Period {
  date: string;
  startsAt: Date;
  counts: DetailedCounts;
}

/** Periods in which nothing happened have their row too. */
function filled(counted: SeriesRow[], range: ReportRange, granularity: Granularity): Period[] {
  const { timezone, from } = range;
  if (granularity === 'hour') {
    return counted
      .map(({ key, date, ...counts }) => ({ date, startsAt: new Date(Number(key)), counts }))
      .sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
  }
  const byDate = new Map(counted.map(({ key: _, date, ...counts }) => [date, counts]));
  const dates = granularity === 'day' ? daysOf(range) : weeksOf(range);
  const starts = startsOf(dates, timezone);
  return dates.map((date, place) => {
    const startsAt = starts[place] < from ? from : starts[place];
    return { date, startsAt, counts: byDate.get(date) ?? NOTHING_AT_ALL };
  });
}

function stepReport(step: FlowStep, counts: DetailedCounts, standing: StepStanding, entered: number | null): Omit<StepReport, 'version'> {
  return {
    stepId: step.id,
    stepOrder: step.order,
    stepName: step.name,
    stepType: step.type,
    entered,
    waitingNow: standing.waiting,
    exited: standing.exited,
    exitedByReason: standing.exitedByReason,
    contactsFailed: standing.contactsFailed,
    emailsSent: counts.emailsSent,
    emailsDelivered: counts.emailsDelivered,
    opens: counts.totalOpens,
    uniqueOpens: counts.uniqueOpens,
    machineOpens: counts.machineOpens,
    clicks: counts.totalClicks,
    uniqueClicks: counts.uniqueClicks,
    machineClicks: counts.machineClicks,
    replies: counts.replies,
    bounces: counts.emailsBounced,
    bouncesHard: counts.bouncesHard,
    bouncesSoft: counts.bouncesSoft,
    bouncesBlocked: counts.bouncesBlocked,
    spamComplaints: counts.spamComplaints,
    unsubscribes: counts.unsubscribes,
    pending: standing.pending,
    unknown: standing.unknown,
    skipped: standing.skipped,
    skippedByReason: standing.skippedByReason,
    failed: standing.failed,
    failedByReason: standing.failedByReason,
    cancelled: standing.cancelled,
    dropped: standing.dropped,
    ...ratesOf(counts),
  };
}

/** `isWhole`: nobody was moved between versions, so that each is a flow of its own. Otherwise only what the ledger counted itself is certain. */
function enteredBySteps(flow: Flow, isWhole: boolean, standings: Map<string, StepStanding>): Map<string, number | null> {
  const of = (id: string) => standings.get(id) ?? emptyStanding();
  const steps = [...flow.steps.values()].map((step) => {
    const { planned, unplanned, completed, ...standing } = of(step.id);
    const ways = waysOut(step);
    const entered = step.type === 'email' ? planned + unplanned : null;
    // Whoever completes the flow with an email stands at no step any more; with any other step, there.
    const isLastMail = entered !== null && ways.every((way) => way === null);
    return { id: step.id, ways, here: isLastMail ? entered : standingAt(standing) + completed, entered };
  });
  // Of contacts who came back, the rows tell only the last round; of contacts inside at no step, not which flow they are in.
  const isTold = isWhole && standingAt(of(NO_STEP)) === 0 && [...standings.values()].every(({ reentered }) => reentered === 0);
  return isTold ? enteredCounts(steps, flow.firstStepId) : new Map(steps.map(({ id, entered }) => [id, entered]));
}

function standingAt({ waiting, exited, contactsFailed }: Pick<StepStanding, 'waiting' | 'exited' | 'contactsFailed'>): number {
  return waiting + exited + contactsFailed;
}

function waysOut(step: FlowStep): (string | null)[] {
  if (step.type !== 'condition' && step.type !== 'wait_for') return [step.next];
  return step.split ? step.branches : [step.trueNext, step.falseNext];
}

function withRates<T extends DetailedCounts>(counts: T): T & Rates {
  return { ...counts, ...ratesOf(counts) };
}
