type Step = { what: string; stop: () => Promise<unknown> };

const LIMIT_MS = 30_000;

/**
 * What has been started and how to stop it again, last started first. One signal stops everything in order; a second one gives up waiting
 * for what is in progress, but still stops the embedded database, so that no process is left behind.
 */
export class Shutdown {
  private readonly steps: Step[] = [];
  private running: Promise<void> | null = null;
  /** Stops waiting for what is in progress. */
  hurry!: () => void;
  private readonly hurried = new Promise<void>((resolve) => (this.hurry = resolve));

  constructor(private readonly log: (message: string) => void) {}

  get begun(): boolean {
    return this.running !== null;
  }

  /** Registers what is being started, so that a signal in the middle of a start waits for it and stops it too. Resolves when it is started. */
  async track<T>(what: string, starting: Promise<T>, stop: (started: T) => Promise<unknown>): Promise<T> {
    // What could not be started has nothing to stop; the starter reports why.
    this.steps.push({ what, stop: () => starting.then(stop, () => undefined) });
    return starting;
  }

  /** Stops everything; later calls wait for the same stop. */
  run(): Promise<void> {
    this.running ??= this.stopAll();
    return this.running;
  }

  private async stopAll(): Promise<void> {
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      await this.stopOne(step);
    }
  }

  private async stopOne({ what, stop }: Step): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`did not stop within ${LIMIT_MS / 1000} s`), LIMIT_MS);
      void this.hurried.then(() => setTimeout(() => resolve('was not waited for'), 100));
    });
    try {
      const late = await Promise.race([stop().then(() => null), limit]);
      if (late) this.log(`Shutdown: ${what} ${late}`);
    } catch (error) {
      this.log(`Shutdown: ${what} failed to stop: ${(error as Error).message}`);
    } finally {
      clearTimeout(timer);
    }
  }
}
