import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { Clock } from '../../shared/clock.js';
import { TrackingService, WebhookInbox } from '../tracking/index.js';
import { DeliveryService } from './delivery.service.js';

const RECOVER_MS = 5_000;
const HOUSEKEEPING_MS = 3_600_000;
const EVENTS_PER_RUN = 1_000;
/** While the database writes one webhook call, the process takes the next one apart. */
const WEBHOOK_LANES = ['WebhookPoller1', 'WebhookPoller2'];

/** Finds due work without being told, in every worker process: hints may be lost, rows are not. */
@Injectable()
export class DeliveryPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: PollLoop[];

  constructor(
    config: AppConfig,
    private readonly delivery: DeliveryService,
    private readonly tracking: TrackingService,
    private readonly inbox: WebhookInbox,
    private readonly clock: Clock,
  ) {
    const { pollIntervalMs } = config.engine;
    this.loops = [
      ...WEBHOOK_LANES.map((name) => new PollLoop(name, pollIntervalMs, () => this.delivery.applyNextBatch())),
      new PollLoop('MailPoller', pollIntervalMs, () => this.hintDue()),
      new PollLoop('EventPoller', pollIntervalMs, () => this.applyEvents()),
      new PollLoop('MailRecovery', Math.min(RECOVER_MS, pollIntervalMs * 20), () => this.recover()),
      new PollLoop('TrackingHousekeeping', HOUSEKEEPING_MS, () => this.keepHouse()),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }

  async hintDue(): Promise<void> {
    await this.delivery.hintDue();
  }

  /** True while there is more than one run takes. */
  async applyEvents(): Promise<boolean> {
    const hasMoreHits = await this.delivery.applyNextHits();
    return (await this.delivery.applyEvents(EVENTS_PER_RUN)) === EVENTS_PER_RUN || hasMoreHits;
  }

  async recover(): Promise<void> {
    await this.delivery.recoverExpired();
    await this.delivery.settleUnknown();
  }

  async keepHouse(): Promise<void> {
    await this.tracking.ensurePartitions(this.clock.now());
    await this.tracking.closeParked();
    await this.delivery.forgetIdleBudgets();
    await this.inbox.deleteOld();
  }
}
