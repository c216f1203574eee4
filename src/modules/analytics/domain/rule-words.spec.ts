import { ruleInWords, type Names } from './rule-words.js';

const names: Names = { step: (id) => (id === 's1' ? 'Welcome' : null), segment: (id) => (id === 'g1' ? 'Customers' : null) };

describe('a rule in words', () => {
  it.each([
    [{ type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' }, 'plan is "pro"'],
    [{ type: 'contact_attribute', attribute: 'age', operator: 'between', value: [18, 30] }, 'age lies between 18 and 30'],
    [{ type: 'contact_attribute', attribute: 'plan', operator: 'is_not_set' }, 'plan is not set'],
    [{ type: 'email_opened', stepId: 's1', withinHours: 48 }, 'opened "Welcome" within 48 hours'],
    [{ type: 'email_clicked', includeMachine: true }, 'clicked in a message of this campaign (machines count)'],
    [
      { type: 'event', name: 'order_placed', atLeast: 2, withinDays: 7 },
      'the event "order_placed" happened at least 2 times in the last 7 days',
    ],
    [{ not: { type: 'segment', segmentId: 'g1' } }, 'not (is in the segment "Customers")'],
    [{ all: [] }, 'everybody'],
    [
      {
        all: [
          { type: 'tag', tag: 'vip' },
          {
            any: [
              { type: 'lead_score', threshold: 10 },
              { type: 'tag', tag: 'old' },
            ],
          },
        ],
      },
      'has the tag "vip" and (the lead score is at least 10 or has the tag "old")',
    ],
  ] as const)('%j', (rule, words) => {
    expect(ruleInWords(rule as never, names)).toBe(words);
  });

  it('never grows without end', () => {
    const rule = { all: Array.from({ length: 50 }, (_, i) => ({ type: 'tag', tag: `tag number ${i}` })) };
    expect(ruleInWords(rule as never, names).length).toBeLessThan(610);
  });
});
