import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { CampaignLifecycleRunner } from './campaign-lifecycle.service.js';
import { ExecutionService } from './execution.service.js';

const LIFECYCLE_MS = 1_000;

/**
 * Looks for due rows a few times a second, in every worker: a queue that lost its jobs costs a quarter of a second, not five minutes. The
 * lifecycle of campaigns is looked at once a second.
 */
@Injectable()
export class ExecutionPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: PollLoop[];

  constructor(config: AppConfig, execution: ExecutionService, lifecycle: CampaignLifecycleRunner) {
    const { pollIntervalMs } = config.engine;
    this.loops = [
      new PollLoop('StepPoller', pollIntervalMs, async () => void (await execution.sweep())),
      new PollLoop('LifecyclePoller', Math.min(LIFECYCLE_MS, pollIntervalMs * 4), async () => void (await lifecycle.runOnce())),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
