import { hasOutgrown } from './reach.js';

describe('the people an approval covers', () => {
  it.each([
    [1_000, 1_100, false],
    [1_000, 1_101, true],
    [1_000, 3, false],
    [3, 4, false],
    [3, 5, true],
    [0, 1, true],
    [null, 1_000_000, false],
    [1_000, null, false],
  ])('approved %p, now %p: outgrown %p', (approved, present, expected) => {
    expect(hasOutgrown(approved, present)).toBe(expected);
  });
});
