import { copyName } from './copy-name.js';

describe('the name of a clone', () => {
  it('counts on instead of growing by one suffix each time', () => {
    expect(copyName('Spring', new Set())).toBe('Spring (copy)');
    expect(copyName('Spring (copy)', new Set(['Spring (copy)']))).toBe('Spring (copy 2)');
    expect(copyName('Spring (copy 2)', new Set(['Spring (copy)', 'Spring (copy 2)']))).toBe('Spring (copy 3)');
    expect(copyName('Spring (Copy)', new Set())).toBe('Spring (copy)');
  });

  it('fits the column however long the original is, emoji included', () => {
    for (const name of ['x'.repeat(255), '🚀'.repeat(255)]) {
      const first = copyName(name, new Set());
      const second = copyName(name, new Set([first]));
      expect([...first]).toHaveLength(255);
      expect([...second].length).toBeLessThanOrEqual(255);
      expect(second).toMatch(/ \(copy 2\)$/);
      expect(second).not.toMatch(/\p{Surrogate}/u);
    }
  });

  it('keeps a name that is nothing but a suffix', () => {
    expect(copyName(' (copy)', new Set())).toBe(' (copy) (copy)');
  });
});
