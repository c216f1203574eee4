import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto, PageQuery } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, NoIdempotency, type TenantContext } from '../identity/index.js';
import type { DeliveryRow } from './deliveries.queries.js';
import {
  CreateWebhookDto,
  IssuedWebhookDto,
  ListWebhookDeliveriesQuery,
  RotateWebhookSecretDto,
  UpdateWebhookDto,
  WebhookDeliveryDto,
  WebhookDto,
} from './dto/webhook.dto.js';
import { WebhooksService } from './webhooks.service.js';

const DEFAULT_OVERLAP_HOURS = 24;

@Controller('api/webhooks')
@ApiTags('webhooks')
@ApiBearerAuth()
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Can('webhooks:manage')
  @Get()
  @ApiOperation({ summary: 'List webhooks', description: 'Newest first; never their secrets.' })
  @ApiOkResponse({ type: PageDto(WebhookDto) })
  @ApiProblems(400)
  listWebhooks(@Ctx() ctx: TenantContext, @Query() query: PageQuery): Promise<Page<WebhookDto>> {
    return this.webhooks.list(ctx, query);
  }

  @Can('webhooks:manage')
  @NoIdempotency()
  @Post()
  @ApiOperation({
    summary: 'Create a webhook',
    description:
      'Posts `{ type, timestamp, data }` to the address whenever one of these things happens, signed by Standard Webhooks (`webhook-id`, ' +
      '`webhook-timestamp`, `webhook-signature`). Any answer but 2xx within 10 s is tried again for about three days; the same `webhook-id` may ' +
      'come more than once, and messages may come in any order. The answer here is the only place where the secret stands; `Idempotency-Key` has ' +
      'no effect, because the answer must not be kept.',
  })
  @ApiCreatedResponse({ type: IssuedWebhookDto })
  @ApiProblems(400, 409, 415, 422)
  createWebhook(@Ctx() ctx: TenantContext, @Body() body: CreateWebhookDto): Promise<IssuedWebhookDto> {
    return this.webhooks.create(ctx, body);
  }

  @Can('webhooks:manage')
  @Get(':id')
  @ApiOperation({ summary: 'Get a webhook' })
  @ApiOkResponse({ type: WebhookDto })
  @ApiProblems(400, 404)
  getWebhook(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<WebhookDto> {
    return this.webhooks.get(ctx, id);
  }

  @Can('webhooks:manage')
  @Patch(':id')
  @ApiOperation({ summary: 'Change a webhook', description: 'What is waiting goes to the new address, too.' })
  @ApiOkResponse({ type: WebhookDto })
  @ApiProblems(400, 404, 415, 422)
  updateWebhook(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() body: UpdateWebhookDto): Promise<WebhookDto> {
    return this.webhooks.update(ctx, id, body);
  }

  @Can('webhooks:manage')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a webhook', description: 'With its log. What has not been delivered yet never will be.' })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiProblems(400, 404)
  deleteWebhook(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    return this.webhooks.remove(ctx, id);
  }

  @Can('webhooks:manage')
  @NoIdempotency()
  @Post(':id/rotate-secret')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Give a webhook a new secret',
    description: 'Messages are signed with both secrets meanwhile, so that receivers can change over without losing any.',
  })
  @ApiOkResponse({ type: IssuedWebhookDto })
  @ApiProblems(400, 404, 415)
  rotateWebhookSecret(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() body: RotateWebhookSecretDto): Promise<IssuedWebhookDto> {
    return this.webhooks.rotateSecret(ctx, id, body.overlapHours ?? DEFAULT_OVERLAP_HOURS);
  }

  @Can('webhooks:manage')
  @Post(':id/ping')
  @HttpCode(202)
  @ApiOperation({ summary: 'Send a test message', description: 'Of type `webhook.ping`; the log shows what became of it.' })
  @ApiAcceptedResponse({ type: WebhookDeliveryDto })
  @ApiProblems(400, 404, 409)
  async pingWebhook(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<WebhookDeliveryDto> {
    return toDeliveryDto(await this.webhooks.ping(ctx, id));
  }

  @Can('webhooks:manage')
  @Get(':id/deliveries')
  @ApiOperation({ summary: 'List what was sent, and is to be sent', description: 'Newest first, of the last 30 days.' })
  @ApiOkResponse({ type: PageDto(WebhookDeliveryDto) })
  @ApiProblems(400, 404)
  async listWebhookDeliveries(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Query() query: ListWebhookDeliveriesQuery,
  ): Promise<Page<WebhookDeliveryDto>> {
    const page = await this.webhooks.listDeliveries(ctx, id, query);
    return { ...page, data: page.data.map(toDeliveryDto) };
  }

  @Can('webhooks:manage')
  @Post(':id/deliveries/:deliveryId/replay')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Send a message again',
    description: 'Whatever became of it, with the same `webhook-id` and body, and with all its attempts before it.',
  })
  @ApiAcceptedResponse({ type: WebhookDeliveryDto })
  @ApiProblems(400, 404, 409)
  async replayWebhookDelivery(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @IdParam('deliveryId') deliveryId: string,
  ): Promise<WebhookDeliveryDto> {
    return toDeliveryDto(await this.webhooks.replay(ctx, id, deliveryId));
  }
}

function toDeliveryDto({ dueAt, ...delivery }: DeliveryRow): WebhookDeliveryDto {
  return { ...delivery, nextAttemptAt: delivery.status === 'pending' ? dueAt : null };
}
