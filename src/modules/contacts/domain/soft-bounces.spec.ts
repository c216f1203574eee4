import { afterArrivals } from './soft-bounces.js';

const at = (minute: number, email = 'ada@example.com') => ({ email, at: new Date(minute * 60_000) });

describe('soft bounces that count', () => {
  it('are those after the last arrival, in whatever order they are told: a mailbox that works is not given up', () => {
    expect(afterArrivals([at(6), at(1), at(4)], [at(5), at(3)])).toEqual([at(6)]);
  });

  it('are all of them where nothing arrived, and an arrival elsewhere does not save the address', () => {
    expect(afterArrivals([at(1), at(2)], [at(9, 'bob@example.com')])).toEqual([at(1), at(2)]);
  });

  it('knows an address in any case', () => {
    expect(afterArrivals([at(1, 'Ada@Example.com')], [at(2)])).toEqual([]);
  });

  it('takes the arrival as the later of two in one second: providers tell no more than that', () => {
    expect(afterArrivals([at(2)], [at(2)])).toEqual([]);
  });
});
