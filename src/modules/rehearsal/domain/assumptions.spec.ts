import { drawsFor, eventAfter, fateOf, reactionsTo, USUAL_REACTIONS, type Assumptions, type Fate, type Reactions } from './assumptions.js';

const PEOPLE = 4_000;
const fates = (reactions: Reactions): Fate[] =>
  Array.from({ length: PEOPLE }, (_, i) => fateOf(reactions, drawsFor('seed', `person-${i}`)));
const share = (all: Fate[], type: keyof Fate): number => all.filter((fate) => fate[type] !== null).length / PEOPLE;
const certain: Reactions = { ...USUAL_REACTIONS, openRate: 0.4, clickRate: 0.1, replyRate: 0.2, unsubscribeRate: 0.05 };

describe('what people are assumed to do', () => {
  it('is done by as many as was said, and half of them are faster than the delay that was given', () => {
    const all = fates(certain);
    expect(share(all, 'clicked')).toBeCloseTo(0.1, 1);
    expect(share(all, 'replied')).toBeCloseTo(0.2, 1);
    expect(share(all, 'unsubscribed')).toBeCloseTo(0.05, 1);
    const opened = all.flatMap((fate) => (fate.opened === null ? [] : [fate.opened])).sort((a, b) => a - b);
    expect(opened.length / PEOPLE).toBeCloseTo(0.42, 1);
    const median = opened[Math.floor(opened.length / 2)] / 60_000;
    expect(Math.abs(median / USUAL_REACTIONS.openDelayMinutes - 1)).toBeLessThan(0.12);
  });

  it('makes sense for each person: whoever clicks has opened before, and a message that bounced is answered by nobody', () => {
    for (const { opened, clicked, unsubscribed } of fates(certain)) {
      if (clicked !== null) expect(opened !== null && clicked >= opened).toBe(true);
      if (unsubscribed !== null) expect(opened).not.toBeNull();
    }
    for (const { bounced, ...others } of fates({ ...certain, openRate: 1, bounceRate: 0.5 })) {
      expect(Object.values(others).every((at) => at === null)).toBe(bounced !== null || others.opened === null);
    }
  });

  it('changes with a rate only where it is about that rate', () => {
    const [before, after] = [fates(certain), fates({ ...certain, replyRate: 0.9 })];
    expect(after.map(({ opened, clicked }) => [opened, clicked])).toEqual(before.map(({ opened, clicked }) => [opened, clicked]));
    expect(share(after, 'replied')).toBeGreaterThan(0.8);
  });

  it('is drawn again the same for the same seed, person and step, and differently for others', () => {
    const draws = (...parts: string[]): number[] => Array.from({ length: 5 }, drawsFor(...parts));
    expect(draws('s', 'p', '1')).toEqual(draws('s', 'p', '1'));
    expect(draws('s', 'p', '1')).not.toEqual(draws('s', 'p', '2'));
    expect(draws('s', 'p', '1').every((drawn) => drawn >= 0 && drawn < 1)).toBe(true);
  });

  it('follows the most particular word: the variant, then the step, then what holds for all', () => {
    const assumptions: Assumptions = {
      ...USUAL_REACTIONS,
      openRate: 0.1,
      events: [],
      steps: [
        { stepId: 'a', variantId: 'a2', openRate: 0.3 },
        { stepId: 'a', openRate: 0.2, clickRate: undefined },
      ],
    };
    const openRate = (stepId: string, variantId: string | null) => reactionsTo(assumptions, stepId, variantId).openRate;
    expect([openRate('b', null), openRate('a', null), openRate('a', 'a1'), openRate('a', 'a2')]).toEqual([0.1, 0.2, 0.2, 0.3]);
    expect(reactionsTo(assumptions, 'a', null).clickRate).toBe(USUAL_REACTIONS.clickRate);
  });

  it('lets a share of the people cause an event once', () => {
    const event = { name: 'order_placed', rate: 0.25, delayMinutes: 60 };
    const at = Array.from({ length: PEOPLE }, (_, i) => eventAfter(event, drawsFor('seed', `person-${i}`)));
    expect(at.filter((ms) => ms !== null).length / PEOPLE).toBeCloseTo(0.25, 1);
    expect(at.every((ms) => ms === null || ms >= 0)).toBe(true);
  });
});
