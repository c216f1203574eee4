import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiProblems, DirectRoutes, Public, Unlimited } from '../../http/index.js';
import { hitOf } from './hit-request.js';
import { HitsService } from './hits.service.js';
import { TrackingLinkNotFound } from './tracking.errors.js';

const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** The addresses that stand in messages. No credential: the signed token is the capability. */
@Public()
@Unlimited()
@ApiTags('Public')
@Controller('t')
export class TrackingController {
  constructor(
    private readonly hits: HitsService,
    direct: DirectRoutes,
  ) {
    direct.serve<{ Params: { token: string } }>('/t/o/:token', (request, reply) => this.recordOpen(request, reply));
    direct.serve<{ Params: { '*': string } }>('/t/c/*', (request, reply) => this.followLink(request, reply));
  }

  @Get('o/:token')
  @ApiOperation({
    summary: 'Open pixel',
    description: 'A transparent 1×1 GIF. The open is stored before this answers; HEAD stores nothing.',
  })
  @ApiParam({ name: 'token', type: String })
  @ApiOkResponse({ description: 'The pixel', content: { 'image/gif': { schema: { type: 'string', format: 'binary' } } } })
  @ApiProblems(404)
  async recordOpen(@Req() request: FastifyRequest<{ Params: { token: string } }>, @Res() reply: FastifyReply): Promise<void> {
    if (!(await this.hits.open(request.params.token, hitOf(request)))) throw new TrackingLinkNotFound();
    void reply
      .header('content-type', 'image/gif')
      .header('cache-control', 'no-store, private, max-age=0')
      .header('x-robots-tag', 'noindex')
      .send(PIXEL);
  }

  // A wildcard, because parameters end at Fastify's length limit and an address made for one message can be long.
  @Get('c/*')
  @ApiOperation({
    summary: 'Tracked link',
    description:
      'Leads on to the address the message was sent with, and to no other. The click is stored before this answers; HEAD stores nothing.',
  })
  @ApiParam({ name: '*', type: String })
  @ApiFoundResponse({
    description: 'Redirect to the address that was in the message',
    headers: { Location: { schema: { type: 'string' } } },
  })
  @ApiProblems(404)
  async followLink(@Req() request: FastifyRequest<{ Params: { '*': string } }>, @Res() reply: FastifyReply): Promise<void> {
    const url = await this.hits.click(request.params['*'], hitOf(request));
    if (url === null) throw new TrackingLinkNotFound();
    void reply
      .status(302)
      .header('location', url)
      .header('cache-control', 'no-store, private, max-age=0')
      .header('referrer-policy', 'no-referrer')
      .header('x-robots-tag', 'noindex')
      .send();
  }
}
