import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { ExperimentsService } from './experiments.service.js';

const INTERVAL_MS = 1_000;

/** Looks for tests that are due, in every worker: two index probes a second when there are none. */
@Injectable()
export class ExperimentsPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: PollLoop;

  constructor(config: AppConfig, experiments: ExperimentsService) {
    const interval = Math.min(INTERVAL_MS, config.engine.pollIntervalMs * 4);
    this.loop = new PollLoop('ExperimentsPoller', interval, async () => void (await experiments.runOnce()));
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }
}
