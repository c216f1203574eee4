import fc from 'fast-check';
import { Agenda, KINDS, type Entry } from './agenda.js';

const entry = fc.record({ at: fc.nat(5), kind: fc.constantFrom(...KINDS), who: fc.nat(5), ticket: fc.constant(0) });
const key = ({ at, kind, who }: Entry): number[] => [at, KINDS.indexOf(kind), who];

function agendaOf(entries: Entry[]): Agenda<Entry> {
  const agenda = new Agenda<Entry>();
  for (const one of entries) agenda.add(one);
  return agenda;
}

describe('the agenda of a rehearsal', () => {
  it('gives every entry once, in the order of time, then kind, then person: another order would be another course', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
        const agenda = agendaOf(entries);
        const taken: Entry[] = [];
        for (let next = agenda.take(); next; next = agenda.take()) taken.push(next);
        const sorted = entries.map(key).sort(([a, b, c], [x, y, z]) => a - x || b - y || c - z);
        expect(taken.map(key)).toEqual(sorted);
      }),
    );
  });

  it('takes together what belongs to one instant and kind, up to the limit, and leaves nothing behind', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (entries, limit) => {
        const agenda = agendaOf(entries);
        let taken = 0;
        while (agenda.next()) {
          const group = agenda.takeTogether(limit);
          const next = agenda.next();
          expect(new Set(group.map(({ at, kind }) => `${at}${kind}`)).size).toBe(1);
          expect(group.length <= limit && group.length > 0).toBe(true);
          if (group.length < limit && next) expect(`${next.at}${next.kind}`).not.toBe(`${group[0].at}${group[0].kind}`);
          taken += group.length;
        }
        expect(taken).toBe(entries.length);
      }),
    );
  });
});
