import fc from 'fast-check';
import { jsonFaultPosition } from './json-position.js';

describe('jsonFaultPosition', () => {
  it.each([
    ['', 'line 1, column 1'],
    ['  ', 'line 1, column 3'],
    ['{"a":1,}', 'line 1, column 8'],
    ['{"a" 1}', 'line 1, column 6'],
    ['[1,2\n,,3]', 'line 2, column 2'],
    ['{"a":\n  nope}', 'line 2, column 3'],
    ['{"a":"b\nc"}', 'line 1, column 6'],
    ["{'a':1}", 'line 1, column 2'],
    ['[1] 2', 'line 1, column 5'],
    ['[1}', 'line 1, column 3'],
    ['{"a":01}', 'line 1, column 7'],
    ['{"a":"\\x"}', 'line 1, column 6'],
  ])('finds the fault in %j', (text, position) => {
    expect(jsonFaultPosition(text)).toBe(position);
  });

  it('points at the character that was broken in any JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        const offset = at % (json.length + 1);
        const broken = `${json.slice(0, offset)}\u0001${json.slice(offset)}`;
        const column = Number(/column (\d+)/.exec(jsonFaultPosition(broken))?.[1]) - 1;
        // Inside a text or number the whole token is at fault, so the position may lie before, never behind.
        return column <= offset;
      }),
    );
  });

  it('takes no time to speak of for a megabyte', () => {
    const text = `[${'{"a":["x",1.5,true]},'.repeat(50_000)}`;
    const start = performance.now();
    jsonFaultPosition(text);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
