import { runContentJob, type ContentJob } from './content-jobs.js';

/** What the worker process sends: once `ready`, then one reply per job. */
export interface WorkerReply {
  ready?: true;
  result?: unknown;
  /** `too_deep` for an exhausted stack (an answer, not a crash); otherwise the message of an unexpected error. */
  failure?: string;
}

function reply(message: WorkerReply): void {
  process.send?.(message);
}

process.on('message', (job: ContentJob) => {
  runContentJob(job).then(
    (result) => reply({ result }),
    (error: unknown) =>
      reply({ failure: error instanceof RangeError ? 'too_deep' : error instanceof Error ? error.message : String(error) }),
  );
});
// Signals of a terminal reach the whole group; the parent decides when this process ends, and takes it along however it ends itself.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));

reply({ ready: true });
