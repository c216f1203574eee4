import fc from 'fast-check';
import { addUp, DETAILED_NAMES, NOTHING, percent, ratesOf, type DetailedCounts } from './counts.js';

describe('rates', () => {
  it('are null, never NaN or 0, where there is nothing to divide by', () => {
    expect(ratesOf(NOTHING)).toEqual({ deliveryRate: null, openRate: null, clickRate: null, replyRate: null, unsubscribeRate: null });
    expect(ratesOf({ ...NOTHING, emailsSent: 4 })).toMatchObject({ deliveryRate: 0, openRate: null });
  });

  it('have two decimals, delivery over sent and the others over delivered', () => {
    const counts = {
      ...NOTHING,
      emailsSent: 9,
      emailsDelivered: 7,
      uniqueOpens: 3,
      uniqueClicks: 2,
      replies: 1,
      unsubscribes: 7,
      totalOpens: 50,
    };
    expect(ratesOf(counts)).toEqual({ deliveryRate: 77.78, openRate: 42.86, clickRate: 28.57, replyRate: 14.29, unsubscribeRate: 100 });
  });

  it('round half a hundredth up and fit DECIMAL(5,2)', () => {
    expect(percent(1, 32)).toBe(3.13);
    expect(percent(1_000, 1)).toBe(999.99);
  });
});

it('adds days up count by count', () => {
  const counts = fc.record(
    Object.fromEntries(DETAILED_NAMES.map((name) => [name, fc.nat(1_000)])),
  ) as unknown as fc.Arbitrary<DetailedCounts>;
  fc.assert(
    fc.property(fc.array(counts), (days) => {
      const total = addUp(days);
      for (const name of DETAILED_NAMES) expect(total[name]).toBe(days.reduce((sum, day) => sum + day[name], 0));
    }),
  );
});
