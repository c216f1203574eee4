const SHAPE = /^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*){0,2}$/;
const MAX_REMEMBERED = 1_000;
const known = new Map<string, boolean>();

/**
 * Whether this is the name of a time zone of the IANA database. `Intl.supportedValuesOf` alone would not do: it lists one spelling per zone
 * and so lacks `UTC` and `Asia/Kolkata`; `Intl.DateTimeFormat` knows them all. Offsets (`+01:00`) and POSIX rules (`FOO7BAR`) are not zones.
 */
export function isTimeZone(name: unknown): name is string {
  if (typeof name !== 'string') return false;
  const remembered = known.get(name);
  if (remembered !== undefined) return remembered;
  const valid = name.length <= 100 && SHAPE.test(name) && isAccepted(name);
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.set(name, valid);
  return valid;
}

/** `Intl` does not mind case; a name in the wrong case is refused all the same, for the next reader of the value may mind. */
function isAccepted(name: string): boolean {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}
