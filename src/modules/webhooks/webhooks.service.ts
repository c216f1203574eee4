import { Injectable } from '@nestjs/common';
import { Database, holdLock, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage, type PageQuery } from '../../http/index.js';
import { InjectTypedQueue, TypedQueue } from '../../queue/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { newWebhookSecret, OutboundGuard } from '../../shared/outbound/index.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { DeliveriesQueries, type DeliveryRow } from './deliveries.queries.js';
import { PING_EVENT, type WebhookEventType } from './domain/webhook-events.js';
import { type EndpointChange, EndpointsQueries, type EndpointRow } from './endpoints.queries.js';
import type { DeliveryStatus } from './entities/index.js';
import { WebhookSecrets } from './webhook-secrets.js';
import {
  TooManyWebhooksError,
  WebhookDeliveryNotFoundError,
  WebhookDisabledError,
  WebhookNotFoundError,
  WebhookUrlError,
} from './webhooks.errors.js';
import { type WebhookJobs, webhooksQueue } from './webhooks.jobs.js';

/** So that no tenant multiplies what every event costs. */
const MAX_ENDPOINTS = 20;

export interface NewWebhook {
  url: string;
  description?: string | null;
  eventTypes: WebhookEventType[];
  enabled?: boolean;
}

export type IssuedWebhook = EndpointRow & {
  /** The secret itself: here and never again. */
  secret: string;
};

@Injectable()
export class WebhooksService {
  constructor(
    private readonly db: Database,
    private readonly endpoints: EndpointsQueries,
    private readonly deliveries: DeliveriesQueries,
    private readonly secrets: WebhookSecrets,
    private readonly guard: OutboundGuard,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
    @InjectTypedQueue(webhooksQueue) private readonly queue: TypedQueue<WebhookJobs>,
  ) {}

  async list({ tenantId }: TenantContext, { limit, cursor }: PageQuery): Promise<Page<EndpointRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.endpoints.list(tx, tenantId, before, limit + 1));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  get({ tenantId }: TenantContext, id: string): Promise<EndpointRow> {
    return this.db.inTenant(tenantId, (tx) => this.mustFind(tx, tenantId, id));
  }

  async create(ctx: TenantContext, input: NewWebhook): Promise<IssuedWebhook> {
    this.checkUrl(input.url);
    const { tenantId } = ctx;
    const id = this.ids.uuid();
    const secret = newWebhookSecret();
    return this.db.inTenant(tenantId, async (tx) => {
      await holdLock(tx, `webhook-endpoints:${tenantId}`);
      if ((await this.endpoints.count(tx, tenantId)) >= MAX_ENDPOINTS) throw new TooManyWebhooksError(MAX_ENDPOINTS);
      const { url, description = null, eventTypes, enabled = true } = input;
      const endpoint = { id, url, description, eventTypes, enabled, secret: this.secrets.seal(secret, tenantId, id) };
      const stored = await this.endpoints.insert(tx, tenantId, endpoint, this.clock.now());
      await this.audit.record(tx, ctx, {
        action: 'webhook.created',
        entityType: 'webhook',
        entityId: id,
        after: { url, eventTypes, enabled },
      });
      return { ...stored, secret };
    });
  }

  async update(ctx: TenantContext, id: string, change: EndpointChange): Promise<EndpointRow> {
    if (change.url !== undefined) this.checkUrl(change.url);
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = told(await this.mustFind(tx, ctx.tenantId, id));
      const stored = await this.endpoints.update(tx, ctx.tenantId, id, change, this.clock.now());
      if (!stored) throw new WebhookNotFoundError();
      await this.audit.record(tx, ctx, { action: 'webhook.updated', entityType: 'webhook', entityId: id, before, after: told(stored) });
      return stored;
    });
  }

  /** With its log; what has not been delivered is not delivered any more. */
  async remove(ctx: TenantContext, id: string): Promise<void> {
    await this.db.inTenant(ctx.tenantId, async (tx) => {
      const before = told(await this.mustFind(tx, ctx.tenantId, id));
      if ((await this.endpoints.remove(tx, ctx.tenantId, id)) === 0) throw new WebhookNotFoundError();
      await this.audit.record(tx, ctx, { action: 'webhook.deleted', entityType: 'webhook', entityId: id, before });
    });
  }

  /** A new secret; the one until now signs beside it for `overlapHours`. A secret before that ends at once. */
  async rotateSecret(ctx: TenantContext, id: string, overlapHours: number): Promise<IssuedWebhook> {
    const { tenantId } = ctx;
    const secret = newWebhookSecret();
    const now = this.clock.now();
    const previousExpiresAt = new Date(now.getTime() + overlapHours * 3_600_000);
    return this.db.inTenant(tenantId, async (tx) => {
      const rotation = { secret: this.secrets.seal(secret, tenantId, id), previousExpiresAt, now };
      const stored = await this.endpoints.rotate(tx, tenantId, id, rotation);
      if (!stored) throw new WebhookNotFoundError();
      await this.audit.record(tx, ctx, {
        action: 'webhook.secret_rotated',
        entityType: 'webhook',
        entityId: id,
        after: { previousExpiresAt },
      });
      return { ...stored, secret };
    });
  }

  async ping({ tenantId }: TenantContext, id: string): Promise<DeliveryRow> {
    const ping = { id: this.ids.uuid(), eventType: PING_EVENT, at: this.clock.now() };
    const delivery = await this.db.inTenant(tenantId, async (tx) => {
      await this.mustBeEnabled(tx, tenantId, id);
      return this.deliveries.insertPing(tx, tenantId, id, ping);
    });
    await this.queue.hint('send-due', {}, { dedupeId: 'send-due' });
    return delivery;
  }

  async listDeliveries(
    { tenantId }: TenantContext,
    id: string,
    { limit, cursor, status }: PageQuery & { status?: DeliveryStatus },
  ): Promise<Page<DeliveryRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, async (tx) => {
      await this.mustFind(tx, tenantId, id);
      return this.deliveries.list(tx, tenantId, id, { before, status: status ?? null, limit: limit + 1 });
    });
    return keysetPage(found, limit, (last) => ({ id: last.id }));
  }

  /** Sends a delivery again, whatever became of it, under the same `webhook-id`. */
  async replay({ tenantId }: TenantContext, id: string, deliveryId: string): Promise<DeliveryRow> {
    const delivery = await this.db.inTenant(tenantId, async (tx) => {
      await this.mustBeEnabled(tx, tenantId, id);
      return this.deliveries.replay(tx, tenantId, id, deliveryId, this.clock.now());
    });
    if (!delivery) throw new WebhookDeliveryNotFoundError();
    await this.queue.hint('send-due', {}, { dedupeId: 'send-due' });
    return delivery;
  }

  private checkUrl(url: string): void {
    const fault = this.guard.urlFault(url);
    if (fault !== null) throw new WebhookUrlError(fault);
  }

  private async mustFind(tx: Tx, tenantId: string, id: string): Promise<EndpointRow> {
    const endpoint = await this.endpoints.find(tx, tenantId, id);
    if (!endpoint) throw new WebhookNotFoundError();
    return endpoint;
  }

  private async mustBeEnabled(tx: Tx, tenantId: string, id: string): Promise<void> {
    if (!(await this.mustFind(tx, tenantId, id)).enabled) throw new WebhookDisabledError();
  }
}

/** What the audit log keeps of a webhook. */
function told({ url, description, eventTypes, enabled }: EndpointRow) {
  return { url, description, eventTypes, enabled };
}
