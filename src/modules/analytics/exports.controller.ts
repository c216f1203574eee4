import { Readable } from 'node:stream';
import { Controller, Get, Query, Req, Res, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiProblems, IdParam, problemResponse } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { ReportQuery } from './dto/report.dto.js';
import { MAX_EXPORT_ROWS, ExportsService, type CsvExport } from './exports.service.js';

const FILE = {
  description: 'The file, as an attachment. One that breaks off was not finished: nothing is sent in place of an error then.',
  content: { 'text/csv': { schema: { type: 'string' } } },
};
const NOT_CSV = { ...problemResponse(406), status: 406, description: '`Accept` leaves out what there is: CSV.' };
const FORM =
  'UTF-8, lines ended by CR LF, a head line with the names of the columns, instants in UTC. A text that a spreadsheet would take for a formula has an ' +
  'apostrophe in front.';
const SIZE = `At most ${MAX_EXPORT_ROWS.toLocaleString('en')} rows: a longer list ends there. Read page by page while it is sent, not as of one moment.`;

@ApiTags('Analytics')
@ApiBearerAuth()
@Controller('api/campaigns/:id/analytics')
export class ExportsController {
  constructor(private readonly exports: ExportsService) {}

  @ApiOperation({ summary: 'Get the time series as CSV', description: `The rows of \`overall\`, for the same questions. ${FORM}` })
  @ApiOkResponse(FILE)
  @ApiResponse(NOT_CSV)
  @ApiProblems(400, 404)
  @Can('analytics:read')
  @Get('series.csv')
  async exportSeries(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @Query() query: ReportQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | undefined> {
    return attached(request, reply, await this.exports.series(ctx, id, query));
  }

  @ApiOperation({
    summary: 'Get the recipients as CSV',
    description:
      'Who is or was in the campaign, by contact: where they stand, how it ended, and how many messages were sent, and opened and clicked by a person. ' +
      `Those who have been erased have no address and no name. ${FORM} ${SIZE}`,
  })
  @ApiOkResponse(FILE)
  @ApiResponse(NOT_CSV)
  @ApiProblems(400, 404)
  @Can('enrollments:read')
  @Get('recipients.csv')
  async exportRecipients(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | undefined> {
    return attached(request, reply, await this.exports.recipients(ctx, id));
  }

  @ApiOperation({
    summary: 'Get the events as CSV',
    description:
      'What came back about the messages of the campaign, oldest first: deliveries, bounces, openings, clicks, answers; what machines did is marked, with the ' +
      `reason. ${FORM} ${SIZE}`,
  })
  @ApiOkResponse(FILE)
  @ApiResponse(NOT_CSV)
  @ApiProblems(400, 404)
  @Can('enrollments:read')
  @Get('events.csv')
  async exportEvents(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | undefined> {
    return attached(request, reply, await this.exports.events(ctx, id));
  }
}

/** Fastify destroys the stream when the client goes away, which ends the generator behind it. */
function attached(request: FastifyRequest, reply: FastifyReply, { fileName, pieces }: CsvExport): StreamableFile | undefined {
  void reply.headers({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': 'no-store',
  });
  // For HEAD Fastify would read the whole file and throw it away.
  return request.method === 'HEAD' ? undefined : new StreamableFile(Readable.from(pieces));
}
