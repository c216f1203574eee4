/** The least round number (1, 2 or 5 times a power of ten, and even) that is not below `value`: where an axis ends. */
export function niceMax(value: number): number {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 5, 6, 8, 10].find((candidate) => candidate * power >= value)!;
  const max = step * power;
  return max % 2 === 0 ? max : max + 1;
}

/** Up to `count` places of `length`, the first and the last among them, evenly spread. */
export function tickPlaces(length: number, count: number): number[] {
  if (length <= count) return Array.from({ length }, (_, index) => index);
  return Array.from({ length: count }, (_, index) => Math.round((index * (length - 1)) / (count - 1)));
}

/** A shade from 0 (nothing) to `shades`; what is not nothing is never 0. */
export function shadeOf(value: number, max: number, shades: number): number {
  return value <= 0 || max <= 0 ? 0 : Math.min(shades, Math.max(1, Math.ceil((value / max) * shades)));
}

/** `part` of `whole` as a percentage of a width, with two decimals, within 0 to 100. */
export function widthOf(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.round(Math.min(1, Math.max(0, part / whole)) * 10_000) / 100;
}
