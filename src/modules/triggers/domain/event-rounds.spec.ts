import fc from 'fast-check';
import { eventRounds } from './event-rounds.js';

interface Event {
  id: string;
  contactId: string;
  occurredAt: Date;
}

const arbitrary = fc
  .array(fc.record({ contact: fc.integer({ min: 0, max: 4 }), second: fc.integer({ min: 0, max: 5 }) }), { maxLength: 40 })
  .map((drawn) =>
    drawn.map(({ contact, second }, i): Event => ({ id: String(i), contactId: `c${contact}`, occurredAt: new Date(second * 1000) })),
  );
const counts = ({ id }: Event): boolean => Number(id) % 3 !== 0;

describe('rounds of events', () => {
  it('take every event that counts once, in a round or later, and no other', () => {
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 1, max: 5 }), (events, limit) => {
        const { rounds, later } = eventRounds(events, counts, limit);
        expect(rounds.length).toBeLessThanOrEqual(limit);
        const taken = [...rounds.flat(), ...later].map(({ id }) => id);
        expect(taken.sort()).toEqual(
          events
            .filter(counts)
            .map(({ id }) => id)
            .sort(),
        );
      }),
    );
  });

  it('never hold two events of one contact, and keep the order in which things happened to each', () => {
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 1, max: 5 }), (events, limit) => {
        const { rounds, later } = eventRounds(events, counts, limit);
        for (const round of rounds) expect(new Set(round.map(({ contactId }) => contactId)).size).toBe(round.length);
        for (const contact of ['c0', 'c1', 'c2', 'c3', 'c4']) {
          const own = [...rounds.flat(), ...later].filter(({ contactId }) => contactId === contact);
          const inOrder = events
            .filter((event) => counts(event) && event.contactId === contact)
            .sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime());
          expect(own).toEqual(inOrder);
        }
      }),
    );
  });
});
