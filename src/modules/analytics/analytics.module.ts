import { Module, type OnModuleInit } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { CampaignDetailParts, CampaignsModule } from '../campaigns/index.js';
import { ContactsEvents, ContactsModule } from '../contacts/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { StepsModule } from '../steps/index.js';
import { AnalyticsController } from './analytics.controller.js';
import { analyticsQueue } from './analytics.jobs.js';
import { AnalyticsService } from './analytics.service.js';
import { BucketsQueries } from './buckets.queries.js';
import { DaysQueries } from './days.queries.js';
import { ExportsController } from './exports.controller.js';
import { ExportsQueries } from './exports.queries.js';
import { ExportSize, ExportsService } from './exports.service.js';
import { InsightsController } from './insights.controller.js';
import { InsightsService } from './insights.service.js';
import { LedgerCheck } from './ledger-check.js';
import { LedgerCheckQueries } from './ledger-check.queries.js';
import { LinkCounter } from './link-counter.js';
import { LinksQueries } from './links.queries.js';
import { LinksService } from './links.service.js';
import { ReportPageController } from './report-page.controller.js';
import { ReportPageService } from './report-page.service.js';
import { ReportService } from './report.service.js';
import { RollupQueries } from './rollup.queries.js';
import { Rollup } from './rollup.service.js';
import { TimelineQueries } from './timeline.queries.js';
import { TimelineService } from './timeline.service.js';
import { VariantReportService } from './variant-report.service.js';

/** Reads what the other modules wrote, and counts it. */
@Module({
  imports: [CampaignsModule, ContactsModule, StepsModule, ExperimentsModule, QueueModule.register(analyticsQueue)],
  controllers: [AnalyticsController, InsightsController, ExportsController, ReportPageController],
  providers: [
    BucketsQueries,
    DaysQueries,
    RollupQueries,
    LedgerCheckQueries,
    TimelineQueries,
    AnalyticsService,
    Rollup,
    ReportService,
    LedgerCheck,
    TimelineService,
    VariantReportService,
    LinksQueries,
    LinkCounter,
    LinksService,
    InsightsService,
    ReportPageService,
    ExportsQueries,
    ExportSize,
    ExportsService,
  ],
  exports: [AnalyticsService, Rollup, LinkCounter, LedgerCheck],
})
export class AnalyticsModule implements OnModuleInit {
  constructor(
    private readonly parts: CampaignDetailParts,
    private readonly reports: ReportService,
    private readonly contacts: ContactsEvents,
    private readonly links: LinksQueries,
  ) {}

  /** Campaigns and contacts stand below: they cannot ask for numbers, nor take something out of them. */
  onModuleInit(): void {
    this.parts.register('analytics', (tx, campaign) => this.reports.summary(tx, campaign));
    this.contacts.onErased((tx, tenantId, contactId) => this.links.recountFor(tx, tenantId, contactId));
  }
}
