import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { StepCallDispatcher } from './step-call-dispatcher.js';

/** Makes due calls, in every worker. What is on its way is waited for at the end. */
@Injectable()
export class StepCallsPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: PollLoop;

  constructor(
    config: AppConfig,
    private readonly dispatcher: StepCallDispatcher,
  ) {
    this.loop = new PollLoop('StepCalls', config.engine.pollIntervalMs, () => this.dispatcher.sendDue());
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await this.dispatcher.drain();
  }
}
