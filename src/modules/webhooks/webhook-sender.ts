import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { attemptToPost, OutboundHttp, signatureHeaders, type OutgoingMessage, type TimedAttempt } from '../../shared/outbound/index.js';
import type { ClaimedDelivery } from './deliveries.queries.js';
import { WebhookSecrets } from './webhook-secrets.js';

/** One signed request. The same delivery has the same id and body every time, whatever has changed since. */
@Injectable()
export class WebhookSender {
  constructor(
    private readonly http: OutboundHttp,
    private readonly secrets: WebhookSecrets,
    private readonly clock: Clock,
  ) {}

  /** Never throws: what went wrong is the result. */
  send(delivery: ClaimedDelivery): Promise<TimedAttempt> {
    return attemptToPost(this.http, () => this.messageOf(delivery));
  }

  private messageOf(delivery: ClaimedDelivery): OutgoingMessage {
    const { tenantId, endpointId, eventType, occurredAt, data, url } = delivery;
    const sealed = delivery.previousSecret ? [delivery.secret, delivery.previousSecret] : [delivery.secret];
    const secrets = sealed.map((secret) => this.secrets.open(secret, tenantId, endpointId));
    const body = JSON.stringify({ type: eventType, timestamp: occurredAt.toISOString(), data });
    return { url, headers: signatureHeaders({ id: messageIdOf(delivery.id), sentAt: this.clock.now(), body }, secrets), body };
  }
}

/** The `webhook-id` of a delivery. */
export function messageIdOf(deliveryId: string): string {
  return `msg_${deliveryId}`;
}
