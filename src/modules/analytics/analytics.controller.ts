import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { CampaignReportDto, ReportQuery } from './dto/report.dto.js';
import { LedgerReportDto } from './dto/ledger.dto.js';
import { CampaignSummaryDto } from './dto/summary.dto.js';
import { TimelineDto } from './dto/timeline.dto.js';
import { VariantsQuery, VariantsReportDto } from './dto/variants.dto.js';
import { LedgerCheck } from './ledger-check.js';
import { ReportService } from './report.service.js';
import { TimelineService } from './timeline.service.js';
import { VariantReportService } from './variant-report.service.js';

@ApiTags('Analytics')
@ApiExtraModels(CampaignSummaryDto)
@ApiBearerAuth()
@Controller('api/campaigns/:id')
export class AnalyticsController {
  constructor(
    private readonly reports: ReportService,
    private readonly ledger: LedgerCheck,
    private readonly timelines: TimelineService,
    private readonly variants: VariantReportService,
  ) {}

  @ApiOperation({
    summary: 'Get the numbers of a campaign',
    description:
      'As of this moment. `overall` has a row for every day (or hour, or week) asked for, zeros included; `totals` adds those rows up; `byStep` is the funnel ' +
      'over the whole life of the campaign, whatever days are asked for. A message counts on the day each thing happened to it: sent, delivered, first opened; ' +
      'events that come late count on the day they happened. Unique counts are of messages, and of people: what mail proxies and scanners fetch is counted apart. ' +
      'Rates are over what was delivered (delivery: over what was sent), and null where that is 0.',
  })
  @ApiOkResponse({ type: CampaignReportDto })
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('analytics')
  getCampaignAnalytics(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Query() query: ReportQuery): Promise<CampaignReportDto> {
    return this.reports.report(ctx, id, query);
  }

  @ApiOperation({
    summary: 'Compare the variants of A/B tests',
    description:
      'Of each email step with variants: what became of their messages, how sure it is which is best, and what was decided and why. A decision ' +
      'compares every variant with the first by the two-proportion z-test; the accepted chance of a false winner (`significance`) is shared out ' +
      'among the comparisons and, by time, among up to five looks between the shortest and the longest duration.',
  })
  @ApiOkResponse({ type: VariantsReportDto })
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('analytics/variants')
  compareVariants(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Query() { metric }: VariantsQuery): Promise<VariantsReportDto> {
    return this.variants.report(ctx, id, metric);
  }

  @ApiOperation({
    summary: 'Check that nobody was lost',
    description:
      'Every enrolment and every planned message by its state, whether they add up, and what contradicts. All numbers are of one moment.',
  })
  @ApiOkResponse({ type: LedgerReportDto })
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('ledger')
  getCampaignLedger(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<LedgerReportDto> {
    return this.ledger.of(ctx, id);
  }

  @ApiOperation({
    summary: 'Get what happened to one contact',
    description:
      'In order, from the enrolment on; for a contact under way the last entry says what it waits for. Shows the newest 500 messages and the newest 500 facts about them.',
  })
  @ApiOkResponse({ type: TimelineDto })
  @ApiProblems(400, 404)
  @Can('enrollments:read')
  @Get('contacts/:contactId/timeline')
  getContactTimeline(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('contactId') contactId: string): Promise<TimelineDto> {
    return this.timelines.of(ctx, id, contactId);
  }
}
