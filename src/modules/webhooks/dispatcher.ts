import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { Random } from '../../shared/random.js';
import { type ClaimedDelivery, DeliveriesQueries, type DeliveryResult } from './deliveries.queries.js';
import { type Attempt, DISABLE_AFTER_DAYS, verdictOf } from './domain/retry.js';
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

/** How long to wait for a place to become free before looking for more. */
const BREATH_MS = 20;

/**
 * Sends what is due. At least once: a process that dies between the request and its result leaves a lease that runs out, and the message goes
 * again under the same id.
 */
@Injectable()
export class WebhookDispatcher {
  private readonly logger = new Logger(WebhookDispatcher.name);
  private readonly inFlight = new Set<Promise<void>>();
  private readonly busy = new Map<string, number>();
  private failing = 0;
  private results: DeliveryResult[] = [];
  private saving: Promise<void> | null = null;
  private claiming: Promise<ClaimedDelivery[]> | null = null;

  constructor(
    private readonly db: Database,
    private readonly deliveries: DeliveriesQueries,
    private readonly endpoints: EndpointsQueries,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly random: Random,
  ) {}

  /** Starts as many due deliveries as there are places, without waiting for their answers. True if there may be more. */
  async sendDue(): Promise<boolean> {
    if (this.claiming) return false;
    const limit = MAX_IN_FLIGHT - this.inFlight.size;
    if (limit <= 0) return this.breathe();
    this.claiming = this.claim(limit);
    try {
      const claimed = await this.claiming;
      for (const delivery of claimed) this.start(delivery);
      return claimed.length > 0 && (await this.breathe());
    } finally {
      this.claiming = null;
    }
  }

  /** Waits for everything that was started. */
  async drain(): Promise<void> {
    while (this.inFlight.size > 0) await Promise.all(this.inFlight);
  }

  private claim(limit: number): Promise<ClaimedDelivery[]> {
    const request = {
      now: this.clock.now(),
      token: this.ids.uuid(),
      leaseSeconds: LEASE_SECONDS,
      limit,
      perEndpoint: PER_ENDPOINT,
      failingLimit: Math.max(0, MAX_FAILING - this.failing),
      busy: this.busy,
    };
    return this.db.asSystem((tx) => this.deliveries.claim(tx, request));
  }

  private async breathe(): Promise<boolean> {
    await Promise.race([...this.inFlight, delay(BREATH_MS)]);
    return true;
  }

  private start(delivery: ClaimedDelivery): void {
    const { endpointId, isFailing } = delivery;
    this.busy.set(endpointId, (this.busy.get(endpointId) ?? 0) + 1);
    if (isFailing) this.failing++;
    const work = this.deliver(delivery)
      .catch((error: Error) => this.logger.error(`A delivery was not recorded and will be sent again: ${error.message}`, error.stack))
      .finally(() => {
        const left = this.busy.get(endpointId)! - 1;
        if (left > 0) this.busy.set(endpointId, left);
        else this.busy.delete(endpointId);
        if (isFailing) this.failing--;
        this.inFlight.delete(work);
      });
    this.inFlight.add(work);
  }

  private async deliver(delivery: ClaimedDelivery): Promise<void> {
    const attempt = await this.sender.send(delivery);
    this.results.push(this.resultOf(delivery, attempt));
    await this.save();
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

  /** Results that come while others are being written are written together, by the next transaction. */
  private async save(): Promise<void> {
    while (this.saving) await this.saving.catch(() => undefined);
    if (this.results.length === 0) return;
    const results = this.results;
    this.results = [];
    this.saving = this.write(results);
    try {
      await this.saving;
    } finally {
      this.saving = null;
    }
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
