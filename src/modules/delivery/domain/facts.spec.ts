import fc from 'fast-check';
import { withFact, type Fact, type Fate } from './facts.js';
import { LEDGER_STATUSES, type LedgerStatus } from './ledger-state.js';

const at = (second: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, second));
const fired = (status: LedgerStatus): Fate => ({
  status,
  reason: ['failed', 'unknown', 'skipped', 'cancelled'].includes(status) ? 'because' : null,
  detail: null,
  sendingAt: at(0),
  sentAt: ['sent', 'delivered'].includes(status) ? at(1) : null,
  deliveredAt: null,
  bouncedAt: null,
  complainedAt: null,
  unsubscribedAt: null,
  firstOpenedAt: null,
  firstHumanOpenedAt: null,
  firstClickedAt: null,
  firstHumanClickedAt: null,
  repliedAt: null,
});
const fact = (type: string, more: Partial<Fact> = {}): Fact => ({
  type,
  occurredAt: at(10),
  isMachine: false,
  bounceClass: null,
  detail: null,
  ...more,
});
const anyFact: fc.Arbitrary<Fact> = fc.record({
  type: fc.constantFrom(
    'processed',
    'deferred',
    'delivered',
    'bounced',
    'dropped',
    'opened',
    'clicked',
    'complained',
    'unsubscribed',
    'replied',
  ),
  occurredAt: fc.nat(30).map(at),
  isMachine: fc.boolean(),
  bounceClass: fc.constantFrom('hard', 'soft', 'block', null),
  detail: fc.constantFrom('a', 'b', null),
});
const anyStart = fc.constantFrom(...LEDGER_STATUSES.filter((status) => status !== 'bounced' && status !== 'dropped')).map(fired);
const all = (start: Fate, facts: Fact[]) => facts.reduce(withFact, start);

describe('what becomes of a message (I7)', () => {
  it('is the same for the same facts in any order, any number of times: a webhook retried or reordered changes no number', () => {
    fc.assert(
      fc.property(anyStart, fc.array(anyFact, { maxLength: 8 }), fc.func(fc.nat()), (start, facts, order) => {
        const again = [...facts, ...facts.filter((f) => f.isMachine)];
        const shuffled = again.map((f, i) => ({ f, key: order(i) })).sort((a, b) => a.key - b.key);
        expect(
          all(
            start,
            shuffled.map(({ f }) => f),
          ),
        ).toEqual(all(start, facts));
      }),
      { numRuns: 1000 },
    );
  });

  it('settles a row in doubt: any sign of life means that it was handed over', () => {
    for (const type of ['processed', 'delivered', 'opened', 'clicked', 'bounced']) {
      const settled = withFact(fired('unknown'), fact(type, { bounceClass: 'hard' }));
      expect(settled.status).not.toBe('unknown');
      expect(settled.sentAt).toEqual(at(0));
    }
    expect(withFact(fired('unknown'), fact('processed'))).toMatchObject({ status: 'sent', reason: null });
  });

  it('takes a sign of life of a row that waits for its next attempt as proof: it is not sent again', () => {
    expect(withFact(fired('queued'), fact('delivered')).status).toBe('delivered');
  });

  it('is not changed for a message that was never fired', () => {
    const never = { ...fired('queued'), sendingAt: null };
    expect(withFact(never, fact('delivered'))).toEqual(never);
    expect(withFact(fired('skipped'), fact('opened'))).toEqual(fired('skipped'));
  });

  it('keeps machine opens apart from people', () => {
    const machine = withFact(fired('sent'), fact('opened', { isMachine: true }));
    expect(machine).toMatchObject({ status: 'delivered', firstOpenedAt: at(10), firstHumanOpenedAt: null });
    const person = withFact(machine, fact('opened', { occurredAt: at(20) }));
    expect(person).toMatchObject({ firstOpenedAt: at(10), firstHumanOpenedAt: at(20) });
  });

  it('says of several bounces the worst', () => {
    const bounced = all(fired('sent'), [
      fact('bounced', { bounceClass: 'soft', detail: 'full' }),
      fact('bounced', { bounceClass: 'hard', detail: 'no such user' }),
      fact('delivered'),
    ]);
    expect(bounced).toMatchObject({ status: 'bounced', reason: 'bounce_hard', detail: 'no such user' });
  });
});
