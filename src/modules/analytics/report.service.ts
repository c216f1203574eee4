import { Injectable } from '@nestjs/common';
import { Database, rows, sqlState, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { type Campaign, CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { StepsService, type FlowStep } from '../steps/index.js';
import { UnsupportedTimeZone } from './analytics.errors.js';
import { DailyCountsQueries } from './daily-counts.queries.js';
import { addUp, NOTHING, percent, ratesOf, type Counts, type Rates } from './domain/counts.js';
import { enteredCounts } from './domain/funnel.js';
import { daysOf, resolveRange, type RangeRequest, type ReportRange } from './domain/report-range.js';
import { StepCountsQueries, type StepMail, type StepPeople } from './step-counts.queries.js';

export type DayReport = Counts & Rates & { date: string };

export type StepReport = Omit<StepMail, 'planned'> &
  Rates & {
    stepOrder: number;
    stepName: string | null;
    stepType: FlowStep['type'];
    entered: number | null;
    waitingNow: number;
    exited: number;
    contactsFailed: number;
  };

export interface CampaignReport {
  range: Omit<ReportRange, 'from' | 'to'>;
  overall: DayReport[];
  byStep: StepReport[];
  totals: Counts & Rates;
}

const NO_MAIL: Omit<StepMail, 'stepId'> = {
  planned: 0,
  emailsSent: 0,
  emailsDelivered: 0,
  bounces: 0,
  opens: 0,
  uniqueOpens: 0,
  clicks: 0,
  uniqueClicks: 0,
  replies: 0,
  spamComplaints: 0,
  unsubscribes: 0,
  pending: 0,
  unknown: 0,
  skipped: 0,
  failed: 0,
  cancelled: 0,
};
const NOBODY: Omit<StepPeople, 'stepId'> = { waiting: 0, exited: 0, failed: 0, completed: 0, unplanned: 0, reentered: 0 };
const INVALID_PARAMETER = '22023';

/** A campaign's numbers as they are now, from the ledger and the events; the stored days are not asked, so today is right. */
@Injectable()
export class ReportService {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly daily: DailyCountsQueries,
    private readonly counts: StepCountsQueries,
  ) {}

  async report(ctx: TenantContext, campaignId: string, asked: Partial<RangeRequest>): Promise<CampaignReport> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      // One snapshot, so that the days and the steps agree while the engine works.
      await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const campaign = await this.campaigns.get(tx, tenantId, campaignId);
      const range = resolveRange({ ...asked, timezone: asked.timezone ?? campaign.timezone }, campaign, this.clock.now());
      const days = await this.days(tx, campaign, range);
      const { startDate, endDate, timezone } = range;
      return {
        range: { startDate, endDate, timezone },
        overall: days.map((day) => ({ ...day, ...ratesOf(day) })),
        byStep: await this.byStep(tx, campaign),
        totals: withRates(addUp(days)),
      };
    });
  }

  /** For `GET /api/campaigns/:id`: the totals of the whole life of the campaign, and the last day the daily aggregation stored. */
  async summary(tx: Tx, campaign: Campaign): Promise<Counts & Rates & { latestDay: (DayReport & { calculatedAt: Date }) | null }> {
    const totals = campaign.launchedAt ? await this.daily.total(tx, campaign.tenantId, campaign.id) : NOTHING;
    const latest = campaign.launchedAt ? await this.daily.latest(tx, campaign.tenantId, campaign.id) : null;
    return { ...withRates(totals), latestDay: latest && { ...latest, ...ratesOf(latest) } };
  }

  private async days(tx: Tx, campaign: Campaign, range: ReportRange): Promise<(Counts & { date: string })[]> {
    const counted = await this.daily
      .count(tx, campaign.tenantId, { campaignId: campaign.id, timezone: range.timezone }, range)
      .catch((error: unknown) => {
        throw sqlState(error) === INVALID_PARAMETER ? new UnsupportedTimeZone(range.timezone) : error;
      });
    const byDay = new Map(counted.map((day) => [day.date, day]));
    return daysOf(range).map((date) => byDay.get(date) ?? { date, ...NOTHING });
  }

  private async byStep(tx: Tx, campaign: Campaign): Promise<StepReport[]> {
    const { tenantId, id, stepsVersion } = campaign;
    const flow = await this.steps.loadFlow(tx, tenantId, id, stepsVersion);
    const mail = new Map((await this.counts.mail(tx, tenantId, id)).map((row) => [row.stepId, row]));
    const standing = await this.counts.people(tx, tenantId, id);
    const people = new Map(standing.map((row) => [row.stepId, row]));
    const steps = [...flow.steps.values()];
    const entered = enteredBySteps(steps, flow.firstStepId, mail, standing);
    return steps.map((step) => {
      const here = people.get(step.id) ?? NOBODY;
      const { planned: _, ...counts } = { ...NO_MAIL, ...mail.get(step.id), stepId: step.id };
      return {
        ...counts,
        ...stepRates(counts),
        stepOrder: step.order,
        stepName: step.name,
        stepType: step.type,
        entered: entered.get(step.id) ?? null,
        waitingNow: here.waiting,
        exited: here.exited,
        contactsFailed: here.failed,
      };
    });
  }
}

function enteredBySteps(
  steps: FlowStep[],
  firstStepId: string | null,
  mail: Map<string, StepMail>,
  standing: StepPeople[],
): Map<string, number | null> {
  const total = (count: (row: StepPeople) => number) => standing.reduce((sum, row) => sum + count(row), 0);
  const unplanned = new Map(standing.map((row) => [row.stepId, row.unplanned]));
  const ledger = ({ id, type }: FlowStep) => (type === 'email' ? (mail.get(id)?.planned ?? 0) + (unplanned.get(id) ?? 0) : null);
  // Of contacts who came back, the rows tell only the last round: then only the ledger's own counts are certain.
  if (total((row) => row.reentered) > 0) return new Map(steps.map((step) => [step.id, ledger(step)]));
  const here = new Map(standing.map((row) => [row.stepId, row.waiting + row.exited + row.failed]));
  const enrolled = total((row) => row.waiting + row.exited + row.failed + row.completed);
  const funnel = steps.map((step) => ({
    id: step.id,
    ways: waysOut(step),
    here: here.get(step.id) ?? 0,
    entered: ledger(step),
  }));
  return enteredCounts(funnel, firstStepId, { enrolled, completed: total((row) => row.completed) });
}

function waysOut(step: FlowStep): (string | null)[] {
  if (step.type !== 'condition') return [step.next];
  return step.split ? step.branches : [step.trueNext, step.falseNext];
}

function stepRates(counts: Omit<StepMail, 'planned'>): Rates {
  const { emailsSent, emailsDelivered } = counts;
  return {
    deliveryRate: percent(emailsDelivered, emailsSent),
    openRate: percent(counts.uniqueOpens, emailsDelivered),
    clickRate: percent(counts.uniqueClicks, emailsDelivered),
    replyRate: percent(counts.replies, emailsDelivered),
    unsubscribeRate: percent(counts.unsubscribes, emailsDelivered),
  };
}

function withRates(counts: Counts): Counts & Rates {
  return { ...counts, ...ratesOf(counts) };
}
