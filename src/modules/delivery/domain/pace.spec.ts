import { Pace } from './pace.js';

const pace = () => new Pace({ minGroup: 8, maxGroup: 500, maxBatch: 500 });

describe('how much is taken at a time', () => {
  it('starts with one call of the provider', () => {
    expect(pace()).toMatchObject({ groupSize: 8, batchSize: 16 });
  });

  it('stays small with a slow provider: a pause waits, and a crash leaves in doubt, a fraction of a second of it', () => {
    const slow = pace();
    slow.record(24, 200);
    expect(slow.groupSize).toBe(18);
    expect(slow.batchSize).toBe(120);
  });

  it('grows with a fast one, within its limits', () => {
    const fast = pace();
    for (let i = 0; i < 10; i++) fast.record(100, 10);
    expect(fast).toMatchObject({ groupSize: 500, batchSize: 500 });
  });
});
