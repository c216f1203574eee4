import { enteredCounts, type FunnelStep } from './funnel.js';

const step = (id: string, ways: (string | null)[], here = 0, entered: number | null = null): FunnelStep => ({ id, ways, here, entered });

describe('how many contacts entered a step', () => {
  it('follows from the flow where no message was sent', () => {
    // 10 enrolled: email, wait (3 wait), tag (1 left there), email (6 planned, 2 on it, 4 completed), end.
    const steps = [step('mail', ['wait'], 0, 10), step('wait', ['tag'], 3), step('tag', ['last'], 1), step('last', [null], 6, 6)];
    expect(Object.fromEntries(enteredCounts(steps, 'mail'))).toEqual({
      mail: 10,
      wait: 10,
      tag: 7,
      last: 6,
    });
  });

  it('is known of both branches when one has an email', () => {
    const steps = [step('if', ['yes', 'no'], 1), step('yes', ['end'], 0, 4), step('no', ['end'], 2), step('end', [null], 7)];
    expect(Object.fromEntries(enteredCounts(steps, 'if'))).toEqual({ if: 10, yes: 4, no: 5, end: 7 });
  });

  it('is known when a branch ends the flow', () => {
    // Seven completed by the branch that ends at once, two behind the other, where one waits.
    const steps = [step('if', ['yes', null], 7), step('yes', [null], 3)];
    expect(Object.fromEntries(enteredCounts(steps, 'if'))).toEqual({ if: 10, yes: 3 });
  });

  it('is known when both branches of a condition lead to the same step', () => {
    const steps = [step('if', ['end', 'end'], 1), step('end', [null], 4)];
    expect(Object.fromEntries(enteredCounts(steps, 'if'))).toEqual({ if: 5, end: 4 });
  });

  it('is said to be unknown rather than guessed where two silent branches meet', () => {
    const steps = [step('if', ['yes', 'no']), step('yes', ['end']), step('no', ['end']), step('end', [null], 5)];
    expect(Object.fromEntries(enteredCounts(steps, 'if'))).toEqual({ if: 5, yes: null, no: null, end: 5 });
  });

  it('is zero everywhere before anybody is enrolled, and empty without steps', () => {
    expect([...enteredCounts([step('a', ['b'], 0, 0), step('b', [null])], 'a').values()]).toEqual([0, 0]);
    expect(enteredCounts([], null).size).toBe(0);
  });
});
