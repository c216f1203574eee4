import { type Worker } from 'node:worker_threads';
import { DomainError, type ErrorCategory } from '../../../shared/domain-error.js';
import { type ContentJob, type ContentJobResult } from './content-jobs.js';
import { type WorkerReply } from './content-worker-thread.js';
import { startWorkerThread } from './start-worker-thread.js';

/** The job used up its time or memory: the content is to blame, not the service. */
export class ContentJobStopped extends Error {
  constructor(readonly reason: 'too_slow' | 'too_complex' | 'too_deep') {
    super(reason);
  }
}

export class ContentBusyError extends DomainError {
  readonly code = 'content_busy';
  readonly category: ErrorCategory = 'unavailable';
}

export interface ContentWorkerLimits {
  /** For one job, from its start in the thread. */
  timeMs: number;
  heapMb: number;
  /** Jobs that may wait; more are refused, for a waiting job holds its source in memory. */
  waiting: number;
}

const DEFAULT_LIMITS: ContentWorkerLimits = { timeMs: 3_000, heapMb: 128, waiting: 100 };

interface PendingJob {
  job: ContentJob;
  resolve(result: never): void;
  reject(error: Error): void;
}

/**
 * Runs content jobs one after the other in a thread with its own heap, so that hostile content can block or exhaust neither the event loop nor
 * the process. The thread starts with the first job (about half a second), is reused, and is replaced after it had to be killed. It never keeps
 * the process alive while idle.
 */
export class ContentWorker {
  private readonly limits: ContentWorkerLimits;
  private readonly queue: PendingJob[] = [];
  private current: PendingJob | undefined;
  private thread: Promise<Worker> | undefined;
  private isClosed = false;

  constructor(limits: Partial<ContentWorkerLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Rejects with `ContentJobStopped` where the job hit a limit, with `ContentBusyError` where it was not even tried. */
  run<K extends ContentJob['kind']>(job: Extract<ContentJob, { kind: K }>): Promise<ContentJobResult[K]> {
    if (this.isClosed) return Promise.reject(new ContentBusyError('The service is shutting down.'));
    if (this.queue.length >= this.limits.waiting)
      return Promise.reject(new ContentBusyError('Too much content is being compiled; try again shortly.'));
    return new Promise<ContentJobResult[K]>((resolve, reject) => {
      this.queue.push({ job, resolve: resolve as (result: never) => void, reject });
      void this.next();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const { reject } of this.queue.splice(0)) reject(new ContentBusyError('The service is shutting down.'));
    const thread = await this.thread?.catch(() => undefined);
    await thread?.terminate();
  }

  private async next(): Promise<void> {
    if (this.current) return;
    this.current = this.queue.shift();
    const pending = this.current;
    if (!pending) return;
    try {
      const thread = await (this.thread ??= this.start());
      pending.resolve((await this.execute(thread, pending.job)) as never);
    } catch (error) {
      pending.reject(error as Error);
    }
    this.current = undefined;
    await this.next();
  }

  private start(): Promise<Worker> {
    const thread = startWorkerThread('content-worker-thread', {
      resourceLimits: { maxOldGenerationSizeMb: this.limits.heapMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
      // Content is given no way to the outside, and the thread none to the configuration.
      env: {},
    });
    const started = new Promise<Worker>((resolve, reject) => {
      thread.once('message', () => resolve(thread));
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`content worker ended at start with code ${code}`)));
    });
    started.then(
      () => thread.unref(),
      () => (this.thread = undefined),
    );
    return started;
  }

  /** One job with its clock; a thread that did not answer properly is killed and forgotten. */
  private execute(thread: Worker, job: ContentJob): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => stop(new ContentJobStopped('too_slow')), this.limits.timeMs);
      const done = () => {
        clearTimeout(timer);
        thread.removeAllListeners('message').removeAllListeners('error').removeAllListeners('exit');
        thread.unref();
      };
      const stop = (reason: Error) => {
        done();
        this.thread = undefined;
        thread.on('error', () => undefined);
        void thread.terminate().finally(() => reject(reason));
      };
      thread.on('message', ({ result, failure }: WorkerReply) => {
        done();
        if (failure === undefined) resolve(result);
        else reject(failure === 'too_deep' ? new ContentJobStopped('too_deep') : new Error(failure));
      });
      thread.on('error', (error: NodeJS.ErrnoException) =>
        stop(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? new ContentJobStopped('too_complex') : error),
      );
      thread.on('exit', () =>
        stop(this.isClosed ? new ContentBusyError('The service is shutting down.') : new ContentJobStopped('too_complex')),
      );
      thread.ref();
      thread.postMessage({ id: 1, job });
    });
  }
}
