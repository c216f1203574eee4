import fc from 'fast-check';
import { MAX_DEPTH, findJsonFault } from './text.js';

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
};

describe('findJsonFault', () => {
  it('lets through every JSON value that can be stored', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
        const text = JSON.stringify(value);
        // JSON.stringify writes a lone surrogate as an escape, and NUL always is one.
        const isStorable = !/\\u(?:0000|d[89a-f])/i.test(text) && !/"(?:__proto__|constructor)":/.test(text);
        return !isStorable || findJsonFault(value) === null;
      }),
    );
  });

  it('finds a NUL wherever it hides', () => {
    expect(findJsonFault({ a: [{ b: 'x\0' }] })).toMatchObject({ path: 'a[0].b' });
    expect(findJsonFault(['ok', { 'k\0': 1 }])).toMatchObject({ path: '[1]' });
    expect(findJsonFault('\0')).toMatchObject({ path: '' });
  });

  it('allows the depth it says and no more', () => {
    expect(findJsonFault(nested(MAX_DEPTH))).toBeNull();
    expect(findJsonFault(nested(MAX_DEPTH + 1))).toMatchObject({ code: 'too_deep' });
  });

  it('survives any depth and a million elements', () => {
    expect(findJsonFault(nested(200_000))).toMatchObject({ code: 'too_deep' });
    expect(findJsonFault(Array.from({ length: 500_000 }, () => [0]))).toBeNull();
  });
});
