import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { PollLoop } from '../../shared/poll-loop.js';
import { AnalyticsService } from './analytics.service.js';
import { LinkCounter } from './link-counter.js';
import { Rollup } from './rollup.service.js';

const FOLD_MS = 2_000;
/** How old a stored day may be when events of it come late. */
const DAYS_MS = 60_000;

/** Every few seconds one worker, whichever is first, folds what was counted; every minute one computes the days that changed; links are counted in between. */
@Injectable()
export class RollupPoller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: PollLoop[];

  constructor(rollup: Rollup, analytics: AnalyticsService, links: LinkCounter) {
    this.loops = [
      new PollLoop('RollupPoller', FOLD_MS, () => rollup.run()),
      new PollLoop('LinksPoller', FOLD_MS, () => links.run()),
      new PollLoop('DaysPoller', DAYS_MS, async () => void (await analytics.refreshDays())),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
