import { enteredCounts, type FunnelStep } from './funnel.js';

const step = (id: string, ways: (string | null)[], here = 0, entered: number | null = null): FunnelStep => ({ id, ways, here, entered });

describe('how many contacts entered a step', () => {
  it('follows from the flow where no message was sent', () => {
    // 10 enrolled: email, wait (3 wait), tag (1 left there), email (6 planned, 2 on it), end.
    const steps = [step('mail', ['wait'], 0, 10), step('wait', ['tag'], 3), step('tag', ['last'], 1), step('last', [null], 2, 6)];
    expect(Object.fromEntries(enteredCounts(steps, 'mail', { enrolled: 10, completed: 4 }))).toEqual({
      mail: 10,
      wait: 10,
      tag: 7,
      last: 6,
    });
  });

  it('is known of both branches when one has an email', () => {
    const steps = [step('if', ['yes', 'no'], 1), step('yes', ['end'], 0, 4), step('no', ['end'], 2), step('end', [null], 0)];
    expect(Object.fromEntries(enteredCounts(steps, 'if', { enrolled: 10, completed: 7 }))).toEqual({ if: 10, yes: 4, no: 5, end: 7 });
  });

  it('is known when a branch ends the flow', () => {
    const steps = [step('if', ['yes', null], 0), step('yes', [null], 1)];
    // Nobody can tell how many of the 9 who completed took the branch that ends at once.
    expect(Object.fromEntries(enteredCounts(steps, 'if', { enrolled: 10, completed: 9 }))).toEqual({ if: 10, yes: null });
  });

  it('is said to be unknown rather than guessed where two silent branches meet', () => {
    const steps = [step('if', ['yes', 'no']), step('yes', ['end']), step('no', ['end']), step('end', [null])];
    expect(Object.fromEntries(enteredCounts(steps, 'if', { enrolled: 5, completed: 5 }))).toEqual({ if: 5, yes: null, no: null, end: 5 });
  });

  it('is zero everywhere before anybody is enrolled, and empty without steps', () => {
    expect([...enteredCounts([step('a', ['b'], 0, 0), step('b', [null])], 'a', { enrolled: 0, completed: 0 }).values()]).toEqual([0, 0]);
    expect(enteredCounts([], null, { enrolled: 0, completed: 0 }).size).toBe(0);
  });
});
