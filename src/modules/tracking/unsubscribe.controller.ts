import { Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiConsumes, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public, Unlimited } from '../../http/index.js';
import { hitOf } from './hit-request.js';
import { ASK_PAGE, DONE_PAGE, INVALID_PAGE } from './domain/unsubscribe-page.js';
import { UnsubscribeService } from './unsubscribe.service.js';

type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

/** The unsubscribe link of a message: a page for people and RFC 8058 one-click for mail clients. No cookie, no redirect, no credential. */
@Public()
@Unlimited()
@ApiTags('Public')
@Controller('u')
export class UnsubscribeController {
  constructor(private readonly service: UnsubscribeService) {}

  @Get(':token')
  @ApiOperation({
    summary: 'Unsubscribe page',
    description: 'A form. Opening it changes nothing, because scanners open every link in a message.',
  })
  @ApiParam({ name: 'token', type: String })
  @ApiOkResponse({ description: 'The page', content: { 'text/html': { schema: { type: 'string' } } } })
  @ApiNotFoundResponse({ description: 'No link of ours; the page says so', content: { 'text/html': { schema: { type: 'string' } } } })
  async showUnsubscribePage(@Req() request: TokenRequest, @Res() reply: FastifyReply): Promise<void> {
    const isValid = await this.service.view(request.params.token, hitOf(request));
    sendPage(reply, isValid ? 200 : 404, isValid ? ASK_PAGE : INVALID_PAGE);
  }

  @Post(':token')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Unsubscribe',
    description: 'By the form of the page, or by a mail client with the body `List-Unsubscribe=One-Click` (RFC 8058). Safe to repeat.',
  })
  @ApiConsumes('application/x-www-form-urlencoded', 'multipart/form-data')
  @ApiParam({ name: 'token', type: String })
  @ApiOkResponse({ description: 'Unsubscribed', content: { 'text/html': { schema: { type: 'string' } } } })
  @ApiNotFoundResponse({ description: 'No link of ours; the page says so', content: { 'text/html': { schema: { type: 'string' } } } })
  async unsubscribeByLink(@Req() request: TokenRequest, @Res() reply: FastifyReply): Promise<void> {
    const isDone = await this.service.unsubscribe(request.params.token, isOneClick(request.body) ? 'one_click' : 'page');
    sendPage(reply, isDone ? 200 : 404, isDone ? DONE_PAGE : INVALID_PAGE);
  }
}

/** A form has been parsed into an object; a multipart body comes as its bytes, in which the two words are enough to recognise it. */
function isOneClick(body: unknown): boolean {
  if (Buffer.isBuffer(body)) return body.includes('name="List-Unsubscribe"') && body.includes('One-Click');
  return typeof body === 'object' && body !== null && (body as Record<string, unknown>)['List-Unsubscribe'] === 'One-Click';
}

function sendPage(reply: FastifyReply, status: number, html: string): void {
  void reply
    .status(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('x-robots-tag', 'noindex')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
    .send(html);
}
