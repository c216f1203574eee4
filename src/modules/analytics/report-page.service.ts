import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { CampaignsService } from '../campaigns/index.js';
import { systemContext, type TenantContext } from '../identity/index.js';
import { StepsService, type FlowStep } from '../steps/index.js';
import { BucketsQueries } from './buckets.queries.js';
import { ratesOf } from './domain/counts.js';
import { readReport, signReport } from './domain/report-token.js';
import { standingsOf } from './domain/step-standing.js';
import { InsightsService } from './insights.service.js';
import { LinksService } from './links.service.js';
import { reportPage, type PageWay, type ReportPage } from './page/report-page.js';
import { ReportService, type PeriodReport } from './report.service.js';
import { VariantReportService } from './variant-report.service.js';

/** Rows of the link table, and the most bars of a chart. */
const LINKS = 20;
const MAX_DAYS = 92;
/** A chart shows at least so many days. */
const MIN_PERIODS = 7;

/** The report as a page for people, and links that open it without a key. */
@Injectable()
export class ReportPageService {
  private readonly secrets: string[];
  private readonly base: string;

  constructor(
    config: AppConfig,
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly buckets: BucketsQueries,
    private readonly reports: ReportService,
    private readonly insights: InsightsService,
    private readonly links: LinksService,
    private readonly variants: VariantReportService,
  ) {
    this.secrets = [config.appSecret, ...config.previousAppSecrets];
    this.base = config.publicUrl;
  }

  /** An address that shows the report of this campaign to whoever has it, until it expires. It cannot be called back but by a new `APP_SECRET`. */
  async link({ tenantId }: TenantContext, campaignId: string, hours: number): Promise<{ url: string; expiresAt: Date }> {
    await this.db.inTenant(tenantId, (tx) => this.campaigns.get(tx, tenantId, campaignId));
    const now = this.clock.now().getTime();
    const expiresAt = new Date(Math.floor(now / 1000) * 1000 + hours * 3_600_000);
    return {
      url: `${this.base}/campaigns/${campaignId}/report/${signReport(this.secrets, { tenantId, campaignId, expiresAt })}`,
      expiresAt,
    };
  }

  /** Null where the link was changed, has expired, or is of another campaign: nobody is told which. */
  async byToken(campaignId: string, token: string): Promise<string | null> {
    const grant = readReport(this.secrets, token, this.clock.now());
    if (grant?.campaignId !== campaignId.toLowerCase()) return null;
    return this.page(systemContext(grant.tenantId), grant.campaignId);
  }

  async page(ctx: TenantContext, id: string): Promise<string> {
    const daily = await this.reports.report(ctx, id, {});
    const granularity = daily.overall.length > MAX_DAYS ? 'week' : 'day';
    const series = granularity === 'week' ? await this.reports.report(ctx, id, { granularity }) : daily;
    const links = await this.links.page(ctx, id, { limit: LINKS });
    const sentHours = await this.insights.hours(ctx, id, { cohort: 'send' });
    const eventHours = await this.insights.hours(ctx, id, { cohort: 'event' });
    const tested = await this.variants.report(ctx, id);
    const frame = await this.frame(ctx, id);
    return reportPage({
      ...frame.campaign,
      granularity,
      periods: withoutTail(series.overall),
      steps: daily.byStep.flatMap((step) => (frame.ways.has(step.stepId) ? [{ ...step, ways: frame.ways.get(step.stepId)! }] : [])),
      formerSteps: daily.byStep.filter(({ stepId }) => !frame.ways.has(stepId)),
      links: links.data,
      hasMoreLinks: links.nextCursor !== null,
      tests: tested.steps,
      sentHours: sentHours.hours,
      eventHours: eventHours.hours,
    });
  }

  private async frame({ tenantId }: TenantContext, id: string): Promise<{ campaign: Frame; ways: Map<string, PageWay[]> }> {
    return this.db.inTenant(tenantId, async (tx) => {
      const { name, status, campaignType, launchedAt, timezone, stepsVersion } = await this.campaigns.get(tx, tenantId, id);
      const flow = await this.steps.loadFlow(tx, tenantId, id, stepsVersion);
      const totals = await this.buckets.total(tx, tenantId, id);
      const standings = [...standingsOf(await this.buckets.states(tx, tenantId, id)).values()];
      const completed = standings.reduce((sum, standing) => sum + standing.completed, 0);
      const enrolled = standings.reduce((sum, { waiting, exited, contactsFailed }) => sum + waiting + exited + contactsFailed, completed);
      const asOf = this.clock.now();
      return {
        campaign: {
          name,
          status,
          campaignType,
          launchedAt,
          timezone,
          asOf,
          totals: { ...totals, ...ratesOf(totals) },
          enrolled,
          completed,
          firstStepId: flow.firstStepId,
        },
        ways: new Map([...flow.steps.values()].map((step) => [step.id, waysOf(step)])),
      };
    });
  }
}

type Frame = Pick<
  ReportPage,
  'name' | 'status' | 'campaignType' | 'launchedAt' | 'timezone' | 'asOf' | 'totals' | 'enrolled' | 'completed' | 'firstStepId'
>;

function waysOf(step: FlowStep): PageWay[] {
  const { split } = step;
  if (split) {
    const names = split.branches.map((branch, index) => branch.name ?? ('weight' in branch ? `${branch.weight} %` : `Branch ${index + 1}`));
    return step.branches.map((to, index) => ({ to, label: names[index] ?? 'Otherwise' }));
  }
  if (step.type !== 'condition' && step.type !== 'wait_for') return [{ to: step.next, label: null }];
  const [yes, no] = step.type === 'condition' ? ['Yes', 'No'] : ['Happened', 'Time is up'];
  return [
    { to: step.trueNext, label: yes },
    { to: step.falseNext, label: no },
  ];
}

/** Without the days at the end on which nothing happened any more. */
function withoutTail(periods: PeriodReport[]): PeriodReport[] {
  const last = periods.findLastIndex((p) => p.emailsSent + p.emailsDelivered + p.anyOpens + p.anyClicks + p.replies + p.unsubscribes > 0);
  return periods.slice(0, Math.max(MIN_PERIODS, last + 1));
}
