import { Turn } from './turn.js';

const used = { maxMs: -1 };

describe('the turn of a campaign', () => {
  it('is not over before its time', async () => {
    expect(await new Turn({ maxMs: 60_000, mayGoOn: () => Promise.reject(new Error('asked too early')) }).isOver()).toBe(false);
  });

  it('is over when another campaign waits: nobody stands behind a million for long', async () => {
    expect(await new Turn(used).isOver()).toBe(true);
    expect(await new Turn({ ...used, mayGoOn: () => Promise.resolve(false) }).isOver()).toBe(true);
  });

  it('goes on while nobody waits, but ends some time, so that changed settings come to count', async () => {
    const turn = new Turn({ ...used, mayGoOn: () => Promise.resolve(true) });
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await turn.isOver());
    expect(answers).toEqual([false, false, false, false, true, true]);
  });
});
