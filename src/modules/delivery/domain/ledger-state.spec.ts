import fc from 'fast-check';
import { afterFact, canMove, isTerminal, LEDGER_STATUSES, type LedgerStatus } from './ledger-state.js';

const status = fc.constantFrom(...LEDGER_STATUSES);
const facts = fc.array(fc.constantFrom('sent' as const, 'delivered' as const, 'dropped' as const, 'bounced' as const), { maxLength: 6 });
const apply = (start: LedgerStatus, all: ('sent' | 'delivered' | 'dropped' | 'bounced')[]) =>
  all.reduce((current: LedgerStatus, fact) => afterFact(current, fact), start);

describe('the ledger', () => {
  it('never takes back an accepted message: nobody gets it twice', () => {
    for (const from of ['sent', 'delivered', 'bounced', 'dropped'] as const) {
      for (const to of LEDGER_STATUSES) expect(canMove(from, to)).toBe(false);
      expect(isTerminal(from)).toBe(true);
    }
  });

  it('sends only what was committed as sending', () => {
    expect(LEDGER_STATUSES.filter((from) => canMove(from, 'sent'))).toEqual(['sending', 'unknown']);
    expect(LEDGER_STATUSES.filter((from) => canMove(from, 'sending'))).toEqual(['queued']);
  });

  it('ends in the same state whatever the order of the facts and however often they come', () => {
    fc.assert(
      fc.property(status, facts, fc.infiniteStream(fc.nat()), (start, all, order) => {
        const random = order[Symbol.iterator]();
        const shuffled = [...all, ...all.slice(0, 2)]
          .map((fact) => ({ fact, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ fact }) => fact);
        expect(apply(start, shuffled)).toBe(apply(start, all));
      }),
    );
  });

  it('learns nothing about a message that was never handed over', () => {
    expect(apply('skipped', ['delivered', 'bounced'])).toBe('skipped');
    expect(apply('cancelled', ['delivered'])).toBe('cancelled');
  });
});
