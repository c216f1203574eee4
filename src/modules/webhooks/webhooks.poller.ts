import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { DeliveriesQueries } from './deliveries.queries.js';
import { WebhookDispatcher } from './dispatcher.js';
import { WebhookFacts } from './facts.service.js';

/** Webhooks are not as urgent as mail: facts are looked for so many times more rarely than due rows. */
const FACTS_FACTOR = 4;

/** Looking for facts rests so many times as long as it took, so that it costs a tenth of one connection at most. */
const REST_FACTOR = 9;
const LONGEST_REST_MS = 10_000;

const HOUSEKEEPING_MS = 3_600_000;
const KEPT_DAYS = 30;
const DELETE_BATCH = 5_000;

/** In every worker process: finds facts to tell, sends what is due, forgets what is old. */
@Injectable()
export class WebhooksPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private readonly loops: PollLoop[];

  constructor(
    config: AppConfig,
    private readonly db: Database,
    private readonly deliveries: DeliveriesQueries,
    private readonly facts: WebhookFacts,
    private readonly dispatcher: WebhookDispatcher,
    private readonly clock: Clock,
  ) {
    const { pollIntervalMs } = config.engine;
    this.loops = [
      new PollLoop('WebhookFacts', pollIntervalMs * FACTS_FACTOR, () => this.collect()),
      new PollLoop('WebhookDispatcher', pollIntervalMs, () => this.dispatcher.sendDue()),
      new PollLoop('WebhookLog', HOUSEKEEPING_MS, () => this.deleteOld()),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops.map((loop) => loop.stop()));
    await this.dispatcher.drain();
  }

  private async collect(): Promise<boolean> {
    const startedAt = performance.now();
    const hasMore = await this.facts.collect();
    const restMs = Math.min((performance.now() - startedAt) * REST_FACTOR, LONGEST_REST_MS);
    if (!hasMore) await delay(restMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    return hasMore;
  }

  private async deleteOld(): Promise<boolean> {
    const before = new Date(this.clock.now().getTime() - KEPT_DAYS * 86_400_000);
    return (await this.db.asSystem((tx) => this.deliveries.deleteOld(tx, before, DELETE_BATCH))) > 0;
  }
}
