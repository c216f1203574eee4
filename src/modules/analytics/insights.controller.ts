import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { CampaignComparisonDto, CompareQuery, HoursQuery, HoursReportDto, LinkReportPage, LinksQuery } from './dto/insights.dto.js';
import { InsightsService } from './insights.service.js';
import { LinksService } from './links.service.js';

@ApiTags('Analytics')
@ApiBearerAuth()
@Controller('api')
export class InsightsController {
  constructor(
    private readonly insights: InsightsService,
    private readonly links: LinksService,
  ) {}

  @ApiOperation({
    summary: 'List the links people followed',
    description:
      'By address and step, over the whole life of the campaign; those that most people clicked first. Links nobody clicked are missing. A list for looking at: ' +
      'numbers that change between two pages may move a link over their edge.',
  })
  @ApiOkResponse({ type: LinkReportPage })
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('campaigns/:id/analytics/links')
  listCampaignLinks(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Query() query: LinksQuery): Promise<LinkReportPage> {
    return this.links.page(ctx, id, query);
  }

  @ApiOperation({
    summary: 'Get the hours of the week',
    description: 'How much was sent, opened and clicked on each weekday at each hour, by the clock of the zone.',
  })
  @ApiOkResponse({ type: HoursReportDto })
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('campaigns/:id/analytics/hours')
  getCampaignHours(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Query() query: HoursQuery): Promise<HoursReportDto> {
    return this.insights.hours(ctx, id, query);
  }

  @ApiOperation({
    summary: 'Compare campaigns',
    description: 'The totals and rates of 2 to 10 campaigns side by side, over the whole life of each and all of one moment.',
  })
  @ApiOkResponse({ type: CampaignComparisonDto })
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('analytics/compare')
  compareCampaigns(@Ctx() ctx: TenantContext, @Query() { campaignIds }: CompareQuery): Promise<CampaignComparisonDto> {
    return this.insights.compare(ctx, campaignIds);
  }
}
