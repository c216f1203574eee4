import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database, withAdvisoryLock } from '../../database/index.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { StepCounters } from './step-counters.service.js';

const INTERVAL_MS = 5_000;

/** Every few seconds one worker, whichever is first, brings the counters of the steps up to date. */
@Injectable()
export class StepCountersPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: PollLoop;

  constructor(db: Database, counters: StepCounters) {
    this.loop = new PollLoop('StepCountersPoller', INTERVAL_MS, async () => {
      await withAdvisoryLock(db, 'step-counters', async () => void (await counters.refreshChanged()));
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }
}
