import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { OutboundHttp, OutboundRefused } from '../../shared/outbound/index.js';
import type { ClaimedDelivery } from './deliveries.queries.js';
import { type Attempt, retryAfterOf } from './domain/retry.js';
import { signatureHeaders } from './domain/signature.js';
import { WebhookSecrets } from './webhook-secrets.js';

const TIMEOUT_MS = 10_000;

/** Nothing of an answer's body is kept; reading a little lets receivers finish it. */
const MAX_BYTES = 4_096;

/** One signed request. The same delivery has the same id and body every time, whatever has changed since. */
@Injectable()
export class WebhookSender {
  constructor(
    private readonly http: OutboundHttp,
    private readonly secrets: WebhookSecrets,
    private readonly clock: Clock,
  ) {}

  /** Never throws: what went wrong is the result. */
  async send(delivery: ClaimedDelivery): Promise<Attempt & { durationMs: number }> {
    const startedAt = performance.now();
    const attempt = await this.attempt(delivery).catch((error: Error) => ({
      status: null,
      error: error.message.slice(0, 300),
      isRefused: error instanceof OutboundRefused,
      retryAfterMs: null,
    }));
    return { ...attempt, durationMs: Math.round(performance.now() - startedAt) };
  }

  private async attempt(delivery: ClaimedDelivery): Promise<Attempt> {
    const { tenantId, endpointId, eventType, occurredAt, data } = delivery;
    const sealed = delivery.previousSecret ? [delivery.secret, delivery.previousSecret] : [delivery.secret];
    const secrets = sealed.map((secret) => this.secrets.open(secret, tenantId, endpointId));
    const body = JSON.stringify({ type: eventType, timestamp: occurredAt.toISOString(), data });
    const { status, headers } = await this.http.request(delivery.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...signatureHeaders({ id: messageIdOf(delivery.id), sentAt: this.clock.now(), body }, secrets),
      },
      body,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    return { status, error: null, isRefused: false, retryAfterMs: retryAfterOf(headers['retry-after']) };
  }
}

/** The `webhook-id` of a delivery. */
export function messageIdOf(deliveryId: string): string {
  return `msg_${deliveryId}`;
}
