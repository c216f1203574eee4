import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { WebhookInbox } from './webhook-inbox.service.js';

const HOUSEKEEPING_MS = 3_600_000;

/** Takes stored webhook calls apart, in every worker process. */
@Injectable()
export class WebhookPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: PollLoop[];

  constructor(config: AppConfig, inbox: WebhookInbox) {
    this.loops = [
      new PollLoop('WebhookPoller', config.engine.pollIntervalMs, () => inbox.processNext()),
      new PollLoop('WebhookHousekeeping', HOUSEKEEPING_MS, async () => void (await inbox.deleteOld())),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
