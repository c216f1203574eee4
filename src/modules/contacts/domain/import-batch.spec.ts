import fc from 'fast-check';
import { ImportBatch } from './import-batch.js';
import type { ImportRow } from './import-row.js';

const optional = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: null });
const row: fc.Arbitrary<ImportRow> = fc.record({
  email: fc.constantFrom('a@x.test', 'A@X.test', 'b@x.test'),
  firstName: optional(fc.constantFrom('A', 'B')),
  lastName: optional(fc.constantFrom('C', 'D')),
  timezone: optional(fc.constantFrom('UTC', 'Europe/Berlin')),
  leadScore: optional(fc.integer({ min: 0, max: 2 })),
  tags: optional(fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { minLength: 1 })),
  attributes: optional(fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom('1', 2, true), { minKeys: 1 })),
}).map((fields) => ({ ...fields, key: fields.email.toLowerCase() })); // prettier-ignore

interface Contact {
  f: string | null;
  l: string | null;
  z: string | null;
  s: number | null;
  t: string[];
  a: Record<string, unknown>;
}

/** What the database does with a batch, in a few words. */
function apply(contacts: Map<string, Contact>, batch: ImportBatch): void {
  for (const { key, json } of batch.sorted()) {
    const packed = JSON.parse(json);
    const old = contacts.get(key) ?? { f: null, l: null, z: null, s: null, t: [], a: {} };
    contacts.set(key, {
      f: packed.f ?? old.f,
      l: packed.l ?? old.l,
      z: packed.z ?? old.z,
      s: packed.s ?? old.s,
      t: [...new Set([...old.t, ...(packed.t ?? [])])].sort(),
      a: { ...old.a, ...packed.a },
    });
  }
}

function imported(rows: ImportRow[], cuts: number[]): Map<string, Contact> {
  const contacts = new Map<string, Contact>();
  let batch = new ImportBatch();
  rows.forEach((item, i) => {
    if (cuts.includes(i)) {
      apply(contacts, batch);
      batch = new ImportBatch();
    }
    batch.add(i + 1, item);
  });
  apply(contacts, batch);
  return contacts;
}

describe('a batch of an import', () => {
  it('gives the same contacts wherever one batch ends and the next begins, so that a large file means the same as a small one', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), fc.array(fc.nat(12)), (rows, cuts) => {
        const oneByOne = imported(rows, rows.map((_, i) => i)); // prettier-ignore
        expect(imported(rows, cuts)).toEqual(oneByOne);
      }),
    );
  });

  it('accounts for every row it took', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const batch = new ImportBatch();
        rows.forEach((item, i) => batch.add(i + 1, item));
        expect(batch.sorted().length + batch.repeatedUpdates + batch.repeatedUnchanged).toBe(rows.length);
        expect(batch.size).toBe(rows.length);
      }),
    );
  });

  it('hands its rows over in the order of their addresses, so that two imports at once do not deadlock', () => {
    const batch = new ImportBatch();
    for (const email of ['c@x.test', 'A@x.test', 'b@x.test']) {
      const nothing = { firstName: null, lastName: null, timezone: null, leadScore: null, tags: null, attributes: null };
      batch.add(1, { email, key: email.toLowerCase(), ...nothing });
    }
    expect(batch.sorted().map(({ key }) => key)).toEqual(['a@x.test', 'b@x.test', 'c@x.test']);
  });
});
