import fc from 'fast-check';
import { type CursorValue, decodeCursor, encodeCursor, keysetPage } from './pagination.js';

describe('cursors', () => {
  const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null));

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), value), (key) => {
        if (JSON.stringify(key).includes('\\u0000')) return;
        expect(decodeCursor(encodeCursor(key))).toEqual({ ...key });
      }),
    );
  });

  it('are refused when anything else comes, never an exception of another kind', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          const key = decodeCursor(text);
          expect(encodeCursor(key)).toBe(text);
        } catch (error) {
          expect((error as { code: string }).code).toBe('invalid_request');
        }
      }),
    );
  });

  it('lead through a whole list, every row once', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1000)), fc.integer({ min: 1, max: 20 }), (unsorted, limit) => {
        const all = unsorted.sort((a, b) => b - a);
        const seen: number[] = [];
        let before: CursorValue = Infinity;
        for (;;) {
          const rows = all.filter((row) => row < Number(before)).slice(0, limit + 1);
          const { data, nextCursor } = keysetPage(rows, limit, (row) => ({ row }));
          seen.push(...data);
          if (nextCursor === null) break;
          before = decodeCursor(nextCursor).row;
        }
        expect(seen).toEqual(all);
      }),
    );
  });
});
