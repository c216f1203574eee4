import { parentPort } from 'node:worker_threads';
import { runContentJob, type ContentJob } from './content-jobs.js';

/** Entry of the worker thread: one job at a time, in the order they come. A stack overflow of hostile nesting is an answer, not a crash. */
export interface WorkerReply {
  id: number;
  result?: unknown;
  /** `too_deep` for an exhausted stack; otherwise the message of an unexpected error. */
  failure?: string;
}

parentPort?.on('message', ({ id, job }: { id: number; job: ContentJob }) => {
  runContentJob(job).then(
    (result) => reply({ id, result }),
    (error: unknown) =>
      reply({ id, failure: error instanceof RangeError ? 'too_deep' : error instanceof Error ? error.message : String(error) }),
  );
});

function reply(message: WorkerReply): void {
  parentPort?.postMessage(message);
}

parentPort?.postMessage({ id: 0 } satisfies WorkerReply);
