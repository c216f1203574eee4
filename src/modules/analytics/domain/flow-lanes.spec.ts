import { layLanes } from './flow-lanes.js';

const flow = (ways: Record<string, string[]>) => layLanes(Object.entries(ways).map(([id, targets]) => ({ id, ways: targets })));

describe('the lanes of a flow', () => {
  it('put everything that follows below what it follows, branch by branch', () => {
    const rows = flow({ start: ['ask'], ask: ['yes', 'no'], no: ['end'], yes: ['more'], more: ['end'], end: [] });
    expect(rows.map(({ id }) => id)).toEqual(['start', 'ask', 'yes', 'more', 'no', 'end']);
    expect(rows[1]).toMatchObject({ lane: 0, splits: [1], goesOn: true });
    expect(rows[2]).toMatchObject({ lane: 0, through: [1] });
    expect(rows[4]).toMatchObject({ lane: 1, merges: [1], through: [0] });
    expect(rows[5]).toMatchObject({ lane: 0, merges: [0, 1], through: [], goesOn: false });
  });

  it('show two ways to one place once, loops without hanging, and steps nobody gets to', () => {
    expect(flow({ ask: ['end', 'end'], end: [] })[0].splits).toEqual([]);
    expect(flow({ a: ['b'], b: ['a'] }).map(({ goesOn }) => goesOn)).toEqual([true, false]);
    expect(flow({ a: ['end'], end: [], lost: [] })[2]).toMatchObject({ id: 'lost', merges: [] });
  });

  it('draw a path of a thousand steps', () => {
    const steps = Array.from({ length: 1_000 }, (_, index) => ({ id: `${index}`, ways: [`${index + 1}`] }));
    expect(layLanes(steps).every(({ lane, splits }) => lane === 0 && splits.length === 0)).toBe(true);
  });
});
