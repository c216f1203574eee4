import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { PollLoop } from '../../shared/poll-loop.js';
import { TriggerEvents } from './trigger-events.service.js';
import { Watches } from './watches.service.js';

/** Rounds are minutes apart: whether one is due is looked at so many times more rarely than due rows. */
const WATCHES_FACTOR = 4;

/** In every worker process: applies events a few times a second, and looks who comes and goes. */
@Injectable()
export class TriggersPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: PollLoop[];

  constructor(config: AppConfig, events: TriggerEvents, watches: Watches) {
    const { pollIntervalMs } = config.engine;
    this.loops = [
      new PollLoop('TriggerEvents', pollIntervalMs, () => events.applyOnce()),
      new PollLoop('Watches', pollIntervalMs * WATCHES_FACTOR, () => watches.runOnce()),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
