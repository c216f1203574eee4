import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { type Attempt, Dispatch, verdictOf } from '../../shared/outbound/index.js';
import { Random } from '../../shared/random.js';
import { type ClaimedDelivery, DeliveriesQueries, type DeliveryResult } from './deliveries.queries.js';
import { EndpointsQueries } from './endpoints.queries.js';
import { WebhookSender } from './webhook-sender.js';

/** Requests of this process at a time. */
const MAX_IN_FLIGHT = 64;
/** Of them to one endpoint. */
const PER_ENDPOINT = 8;
/** Of them to endpoints that fail, one each: dead receivers cannot take the places of living ones. */
const MAX_FAILING = 16;

/** Far more than a request and writing its result take. */
const LEASE_SECONDS = 90;

/** An endpoint that has taken nothing for so long is switched off. */
const DISABLE_AFTER_DAYS = 5;

/** Sends what is due; see {@link Dispatch}. */
@Injectable()
export class WebhookDispatcher {
  private readonly logger = new Logger(WebhookDispatcher.name);
  private readonly dispatch: Dispatch<ClaimedDelivery, DeliveryResult>;

  constructor(
    private readonly db: Database,
    private readonly deliveries: DeliveriesQueries,
    private readonly endpoints: EndpointsQueries,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly random: Random,
  ) {
    this.dispatch = new Dispatch<ClaimedDelivery, DeliveryResult>(
      {
        maxInFlight: MAX_IN_FLIGHT,
        targetOf: ({ endpointId }) => endpointId,
        claim: (free) => this.claim(free),
        send: async (delivery) => this.resultOf(delivery, await this.sender.send(delivery)),
        write: (results) => this.write(results),
      },
      this.logger,
    );
  }

  /** Starts as many due deliveries as there are places, without waiting for their answers. True if there may be more. */
  sendDue(): Promise<boolean> {
    return this.dispatch.sendDue();
  }

  /** Waits for everything that was started. */
  drain(): Promise<void> {
    return this.dispatch.drain();
  }

  private claim(limit: number): Promise<ClaimedDelivery[]> {
    const failing = this.dispatch.underWay.filter(({ isFailing }) => isFailing).length;
    const request = {
      now: this.clock.now(),
      token: this.ids.uuid(),
      leaseSeconds: LEASE_SECONDS,
      limit,
      perEndpoint: PER_ENDPOINT,
      failingLimit: Math.max(0, MAX_FAILING - failing),
      busy: this.dispatch.busy,
    };
    return this.db.asSystem((tx) => this.deliveries.claim(tx, request));
  }

  private resultOf(delivery: ClaimedDelivery, attempt: Attempt & { durationMs: number }): DeliveryResult {
    const { tenantId, id, endpointId, token, attempts } = delivery;
    const at = this.clock.now();
    const verdict = verdictOf(attempt, attempts, this.random.next());
    return {
      tenantId,
      id,
      endpointId,
      token,
      status: verdict.kind === 'delivered' ? 'delivered' : verdict.kind === 'retry' ? 'pending' : 'failed',
      at,
      dueAt: new Date(at.getTime() + (verdict.kind === 'retry' ? verdict.pauseMs : 0)),
      statusCode: attempt.status,
      durationMs: attempt.durationMs,
      error: attempt.error,
      disable: verdict.kind === 'gone' ? 'gone' : null,
    };
  }

  private async write(results: DeliveryResult[]): Promise<void> {
    const failingBefore = new Date(this.clock.now().getTime() - DISABLE_AFTER_DAYS * 86_400_000);
    const outcomes = results.map(({ status, ...result }) => ({ ...result, isSuccess: status === 'delivered' }));
    const disabled = await this.db.asSystem(async (tx) => {
      await this.deliveries.finish(tx, results);
      return this.endpoints.noteOutcomes(tx, outcomes, failingBefore);
    });
    for (const { tenantId, id } of disabled)
      this.logger.warn(`Webhook ${id} of tenant ${tenantId} takes nothing any more and was switched off`);
  }
}
