import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiConsumes, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems, Public, Unlimited } from '../../http/index.js';
import { InboundMailDto } from './dto/webhook.dto.js';
import { RepliesService } from './replies.service.js';

type InboundRequest = Pick<FastifyRequest, 'headers' | 'body'>;

/** Answers to our messages, as SendGrid's Inbound Parse posts them. It signs nothing, so a shared secret is the credential. */
@Public()
@Unlimited()
@ApiTags('Webhooks')
@Controller('webhooks/sendgrid/inbound')
export class InboundController {
  constructor(private readonly replies: RepliesService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Incoming mail (HTTP Basic)',
    description:
      'Takes calls of Inbound Parse for `REPLY_DOMAIN`; the password of HTTP Basic is `REPLY_WEBHOOK_SECRET` (`https://any:SECRET@host/…`). ' +
      'A person’s answer is recorded for the message it answers; what it says is not kept. At most 10 MB.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiOkResponse({ type: InboundMailDto, description: 'Recorded, or nothing to record' })
  @ApiProblems(400, 401, 404, 413)
  receiveSendgridMail(@Req() request: InboundRequest): Promise<InboundMailDto> {
    return this.record(basicPassword(request.headers.authorization), request);
  }

  @Post(':secret')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Incoming mail (secret in the path)',
    description: 'The same for callers that cannot do HTTP Basic: the secret is the last part of the path.',
  })
  @ApiParam({ name: 'secret', type: String })
  @ApiConsumes('multipart/form-data')
  @ApiOkResponse({ type: InboundMailDto, description: 'Recorded, or nothing to record' })
  @ApiProblems(400, 401, 404, 413)
  receiveSendgridMailByPath(@Param('secret') secret: string, @Req() request: InboundRequest): Promise<InboundMailDto> {
    return this.record(secret, request);
  }

  private async record(secret: string | undefined, { headers, body }: InboundRequest): Promise<InboundMailDto> {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    return { result: await this.replies.receive({ secret, contentType: headers['content-type'], body: bytes }) };
  }
}

function basicPassword(authorization: string | undefined): string | undefined {
  const [, credentials] = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? '') ?? [];
  if (credentials === undefined) return undefined;
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  return decoded.slice(decoded.indexOf(':') + 1);
}
