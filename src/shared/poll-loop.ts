import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';

/**
 * Calls a task again and again, never twice at once, with a pause between; a failure is logged once until it ends and does not stop the loop.
 * `stop` waits for the run under way.
 */
export class PollLoop {
  private readonly logger: Logger;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private isFailing = false;

  constructor(
    private readonly name: string,
    private readonly intervalMs: number,
    /** Returning true means there is more to do: the next run follows at once. */
    private readonly task: () => Promise<boolean | void>,
  ) {
    this.logger = new Logger(name);
  }

  start(): void {
    this.running ??= this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const hasMore = await this.runOnce();
      if (!hasMore) await delay(this.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async runOnce(): Promise<boolean> {
    try {
      const hasMore = await this.task();
      if (this.isFailing) this.logger.log('Working again');
      this.isFailing = false;
      return hasMore === true;
    } catch (error) {
      if (!this.isFailing) this.logger.error(`${this.name} failed, trying again: ${(error as Error).message}`, (error as Error).stack);
      this.isFailing = true;
      return false;
    }
  }
}
