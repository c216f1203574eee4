import { niceMax, shadeOf, tickPlaces, widthOf } from './chart-scale.js';

describe('the scales of charts', () => {
  it('end at a round, even number that nothing exceeds', () => {
    expect([0, 1, 2, 3, 7, 11, 42, 99, 101, 1_234, 1_000_000].map(niceMax)).toEqual([2, 2, 2, 4, 8, 20, 50, 100, 200, 2_000, 1_000_000]);
    for (let value = 0; value < 5_000; value += 7) expect(niceMax(value)).toBeGreaterThanOrEqual(value);
  });

  it('name the first and the last place, and few between', () => {
    expect(tickPlaces(0, 5)).toEqual([]);
    expect(tickPlaces(3, 5)).toEqual([0, 1, 2]);
    expect(tickPlaces(100, 5)).toEqual([0, 25, 50, 74, 99]);
  });

  it('let a little be seen, and nothing be nothing', () => {
    expect([0, 1, 50, 100].map((value) => shadeOf(value, 100, 5))).toEqual([0, 1, 3, 5]);
    expect(shadeOf(0, 0, 5)).toBe(0);
    expect([widthOf(1, 3), widthOf(5, 0), widthOf(7, 5), widthOf(-1, 5)]).toEqual([33.33, 0, 100, 0]);
  });
});
