import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems, Public, Unlimited } from '../../http/index.js';
import type { SignedCall } from './domain/sendgrid-signature.js';
import { WebhookStoredDto } from './dto/webhook.dto.js';
import { WebhookInbox } from './webhook-inbox.service.js';

const SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';

type WebhookRequest = Pick<FastifyRequest, 'headers' | 'body'>;

/** SendGrid's Event Webhook. No credential: the signature over the bytes of the call is what counts. */
@Public()
@Unlimited()
@ApiTags('Webhooks')
@Controller('webhooks/sendgrid/events')
export class SendGridWebhookController {
  constructor(private readonly inbox: WebhookInbox) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'SendGrid events',
    description:
      'Takes signed calls of the Event Webhook for the account of this installation. The call is stored, then answered, then applied. ' +
      'At most 1 MB and 1,000 events. Repetitions change nothing; entries that cannot be read spoil no others.',
  })
  @SignedBody()
  receiveSendgridEvents(@Req() request: WebhookRequest): Promise<WebhookStoredDto> {
    return this.store(null, request);
  }

  @Post(':accountKey')
  @HttpCode(200)
  @ApiOperation({
    summary: 'SendGrid events of a provider account',
    description: 'The same for one provider account, which has its own verification key; only events of messages of its tenant count.',
  })
  @ApiParam({ name: 'accountKey', type: String })
  @SignedBody()
  receiveSendgridAccountEvents(@Param('accountKey') accountKey: string, @Req() request: WebhookRequest): Promise<WebhookStoredDto> {
    return this.store(accountKey, request);
  }

  private async store(accountKey: string | null, request: WebhookRequest): Promise<WebhookStoredDto> {
    return { events: await this.inbox.receive(accountKey, signedCallOf(request)) };
  }
}

function SignedBody(): MethodDecorator {
  const body = ApiBody({ schema: { type: 'array', maxItems: 1000, items: { type: 'object', additionalProperties: true } } });
  const decorators = [
    ApiHeader({ name: 'X-Twilio-Email-Event-Webhook-Signature', required: true, schema: { type: 'string' } }),
    ApiHeader({ name: 'X-Twilio-Email-Event-Webhook-Timestamp', required: true, schema: { type: 'string', pattern: '^[0-9]{10}$' } }),
    ApiOkResponse({ type: WebhookStoredDto, description: 'Stored' }),
    ApiProblems(400, 401, 404, 413),
    body,
  ];
  return (target, key, descriptor) => {
    for (const decorate of decorators) (decorate as MethodDecorator)(target, key, descriptor);
  };
}

/** Under `/webhooks/` the body is the untouched bytes; a call without one has none. */
function signedCallOf({ headers, body }: WebhookRequest): SignedCall {
  return {
    signature: headers[SIGNATURE]?.toString(),
    timestamp: headers[TIMESTAMP]?.toString(),
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
  };
}
