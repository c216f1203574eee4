import { createHash } from 'node:crypto';

/** A number in [0, 1) that is always the same for the same parts, and as good as drawn for different ones. */
export function seededFraction(...parts: string[]): number {
  return createHash('sha256').update(parts.join('\n')).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** The index of the weight on which `fraction` (in [0, 1)) falls; each has its share of the sum. */
export function weightedIndex(weights: readonly number[], fraction: number): number {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  let left = fraction * sum;
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  // Rounding at the very end of the range: the last one that has a share.
  return weights.findLastIndex((weight) => weight > 0);
}
