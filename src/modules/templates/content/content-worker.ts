import { type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { DomainError, type ErrorCategory } from '../../../shared/domain-error.js';
import { type ContentJob, type ContentJobResult } from './content-jobs.js';
import { type WorkerReply } from './content-worker-process.js';
import { startWorkerProcess } from './start-worker-process.js';

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
  /** Processor time for one job, where the system tells it (Linux), else time by the clock. */
  timeMs: number;
  heapMb: number;
  /** Jobs that may wait; more are refused, for a waiting job holds its source in memory. */
  waiting: number;
}

/** A busy machine makes a job slow without its fault; this many times its limit it may take by the clock. */
const PATIENCE = 10;

const DEFAULT_LIMITS: ContentWorkerLimits = { timeMs: 3_000, heapMb: 128, waiting: 100 };

interface PendingJob {
  job: ContentJob;
  resolve(result: never): void;
  reject(error: Error): void;
}

/**
 * Runs content jobs one after the other in a process of their own, so that hostile content can block or exhaust neither the event loop nor the
 * service. (Measured: a thread's heap limit is not enough, a single large allocation in a thread at its limit ends the whole process.) It starts
 * with the first job (about half a second), is reused, and is replaced after it had to be killed. It never keeps the service alive while idle.
 */
export class ContentWorker {
  private readonly limits: ContentWorkerLimits;
  private readonly queue: PendingJob[] = [];
  private current: PendingJob | undefined;
  private process: Promise<ChildProcess> | undefined;
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
    const child = await this.process?.catch(() => undefined);
    if (child) await kill(child);
  }

  private async next(): Promise<void> {
    if (this.current) return;
    this.current = this.queue.shift();
    const pending = this.current;
    if (!pending) return;
    try {
      const child = await (this.process ??= this.start());
      pending.resolve((await this.execute(child, pending.job)) as never);
    } catch (error) {
      pending.reject(error as Error);
    }
    this.current = undefined;
    await this.next();
  }

  private start(): Promise<ChildProcess> {
    const child = startWorkerProcess('content-worker-process', this.limits.heapMb);
    const started = new Promise<ChildProcess>((resolve, reject) => {
      child.once('message', () => {
        child.removeAllListeners();
        setReferenced(child, false);
        // Dying between jobs (out of memory of the machine, say) costs nothing but a new start.
        child.once('exit', () => this.forget(started));
        resolve(child);
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the content worker ended at its start with code ${code}`)));
    });
    started.catch(() => this.forget(started));
    return started;
  }

  private forget(process: Promise<ChildProcess>): void {
    if (this.process === process) this.process = undefined;
  }

  /** One job with its clock; a process that did not answer properly is killed and forgotten. */
  private execute(child: ChildProcess, job: ContentJob): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onExit).off('error', onError);
        setReferenced(child, false);
        settle();
      };
      const stop = (reason: Error) =>
        finish(() => {
          this.process = undefined;
          void kill(child).then(() => reject(reason));
        });
      const onMessage = ({ result, failure }: WorkerReply) =>
        finish(() => {
          if (failure === undefined) resolve(result);
          else reject(failure === 'too_deep' ? new ContentJobStopped('too_deep') : new Error(failure));
        });
      const onExit = () =>
        stop(this.isClosed ? new ContentBusyError('The service is shutting down.') : new ContentJobStopped('too_complex'));
      const onError = (error: Error) => stop(error);
      const { timeMs } = this.limits;
      const latest = performance.now() + timeMs * PATIENCE;
      const atStart = processorMs(child);
      const check = () => {
        const left = timeMs - (processorMs(child) - atStart);
        if (!(left > 0) || performance.now() > latest) stop(new ContentJobStopped('too_slow'));
        else timer = setTimeout(check, Math.max(left, timeMs / PATIENCE));
      };
      let timer = setTimeout(check, timeMs);
      child.on('message', onMessage).on('exit', onExit).on('error', onError);
      setReferenced(child, true);
      child.send(job);
    });
  }
}

/** Whether the process keeps ours alive: only while a job is under way. */
function setReferenced(child: ChildProcess, isReferenced: boolean): void {
  const method = isReferenced ? 'ref' : 'unref';
  child[method]();
  child.channel?.[method]();
}

/** Processor time the process has used, exact to 10 ms; not a number where the system does not tell. */
function processorMs(child: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ').pop()!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}

function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.ref();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
