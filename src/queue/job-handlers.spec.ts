import { assertEveryJobHasOneHandler } from './job-handlers.js';
import { defineQueue } from './queue-definition.js';

interface Jobs {
  send: { id: string };
  sweep: object;
}
const mail = defineQueue<Jobs>('mail', { send: true, sweep: true });
const check = (...processors: { className: string; queue: string; handles: string[] }[]) => {
  assertEveryJobHasOneHandler([mail], processors);
};

describe('the start of a worker', () => {
  it('goes on when every job has its handler', () => {
    expect(() => check({ className: 'A', queue: 'mail', handles: ['send', 'sweep'] })).not.toThrow();
  });

  it.each([
    [
      'a job nobody handles, which would wait for ever',
      [{ className: 'A', queue: 'mail', handles: ['send'] }],
      'job "sweep" of queue "mail" has no handler',
    ],
    ['a queue without a processor', [], 'job "send" of queue "mail" has no handler'],
    [
      'a job with two handlers',
      [
        { className: 'A', queue: 'mail', handles: ['send', 'sweep'] },
        { className: 'B', queue: 'mail', handles: ['send'] },
      ],
      'job "send" of queue "mail" has 2 handlers',
    ],
    [
      'a handler for a job that does not exist',
      [{ className: 'A', queue: 'mail', handles: ['send', 'sweep', 'sned'] }],
      '"sned" is handled but is not a job',
    ],
    [
      'a processor of an unknown queue',
      [{ className: 'A', queue: 'mial', handles: ['send', 'sweep'] }],
      'A works on queue "mial", which no module registers',
    ],
  ])('stops at %s', (_what, processors, message) => {
    expect(() => check(...processors)).toThrow(message);
  });
});
