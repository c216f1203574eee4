const SUFFIX = / \(copy(?: \d+)?\)$/i;
const MAX_LENGTH = 255;

/** The name without a copy suffix: a copy of `Spring (copy)` is `Spring (copy 2)`, never `Spring (copy) (copy)`. */
export function copyStem(name: string): string {
  return name.replace(SUFFIX, '') || name;
}

/** `X (copy)`, `X (copy 2)` …: the first that is not `taken`, shortened at the stem so that it fits the column (characters, not UTF-16 units). */
export function copyName(name: string, taken: ReadonlySet<string>): string {
  const stem = [...copyStem(name)];
  for (let n = 1; ; n++) {
    const suffix = n === 1 ? ' (copy)' : ` (copy ${n})`;
    const candidate =
      stem
        .slice(0, MAX_LENGTH - suffix.length)
        .join('')
        .trimEnd() + suffix;
    if (!taken.has(candidate)) return candidate;
  }
}
