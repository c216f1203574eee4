import { Body, Controller, Get, Header, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiProblems, IdParam } from '../../http/index.js';
import { Can, Ctx, Public, type TenantContext } from '../identity/index.js';
import { ReportLinkBody, ReportLinkDto } from './dto/report-link.dto.js';
import { noReportPage } from './page/report-page.js';
import { REPORT_CSP } from './page/style.js';
import { ReportPageService } from './report-page.service.js';

const PAGE = { description: 'The page', content: { 'text/html': { schema: { type: 'string' } } } };

@ApiTags('Analytics')
@Controller()
export class ReportPageController {
  constructor(private readonly pages: ReportPageService) {}

  @ApiOperation({
    summary: 'Get the report as a page',
    description:
      'For people: one HTML document with the charts in it, without scripts and without anything loaded from elsewhere. Prints well.',
  })
  @ApiBearerAuth()
  @ApiOkResponse(PAGE)
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('campaigns/:id/report')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', REPORT_CSP)
  @Header('cache-control', 'no-store')
  getReportPage(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<string> {
    return this.pages.page(ctx, id);
  }

  @ApiOperation({
    summary: 'Get the report as a page, by a signed link',
    description:
      'The same page for whoever has the link (see `report-link`), until it expires. 404 after that, and for a link that was changed.',
  })
  @ApiParam({ name: 'token', type: String })
  @ApiOkResponse(PAGE)
  @ApiProblems(400)
  @ApiNotFoundResponse({ ...PAGE, description: 'Not a link of ours, or not any more; the page says so' })
  @Public()
  @Get('campaigns/:id/report/:token')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', REPORT_CSP)
  @Header('cache-control', 'no-store')
  @Header('x-robots-tag', 'noindex')
  async getSharedReportPage(
    @IdParam('id') id: string,
    @Param('token') token: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const page = await this.pages.byToken(id, token);
    if (page === null) void reply.status(404);
    return page ?? noReportPage();
  }

  @ApiOperation({
    summary: 'Share the report',
    description:
      'Makes a link that shows the report page to whoever has it, without a key, until it expires. Nothing is stored: it cannot be called back.',
  })
  @ApiBearerAuth()
  @ApiOkResponse({ type: ReportLinkDto })
  @ApiProblems(400, 404)
  @Can('campaigns:write')
  @HttpCode(200)
  @Post('api/campaigns/:id/report-link')
  shareReport(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() { hours }: ReportLinkBody): Promise<ReportLinkDto> {
    return this.pages.link(ctx, id, hours);
  }
}
