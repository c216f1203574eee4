import { SystemIds } from './ids.js';

describe('ids', () => {
  it('go up in the order in which they are made, and are version 7', () => {
    const ids = new SystemIds();
    const made = Array.from({ length: 20_000 }, () => ids.uuid());
    expect(made).toEqual([...new Set(made)].sort());
    expect(made.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
    const ahead = Number.parseInt(made.at(-1)!.replaceAll('-', '').slice(0, 12), 16) - Date.now();
    expect(ahead).toBeLessThan(20);
  });
});
