const LONGEST = 40;

/**
 * A short name for each of these things, to refer to it within one file: its own name in lower case, letters and digits joined by hyphens, `fallback`
 * where nothing is left of it, and a number behind it where another has that name already. The same names give the same refs.
 */
export function refNames(names: readonly (string | null)[], fallback: (index: number) => string): string[] {
  const taken = new Set<string>();
  return names.map((name, index) => {
    const base = slug(name ?? '') || fallback(index);
    let ref = base;
    for (let count = 2; taken.has(ref); count++) ref = `${base}-${count}`;
    taken.add(ref);
    return ref;
  });
}

function slug(name: string): string {
  const words =
    name
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...words.join('-')].slice(0, LONGEST).join('').replace(/-$/, '');
}
