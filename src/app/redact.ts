/**
 * What must not be in a log, by its form: each pattern and what stands in its place. What has no form (names, bodies) must not be logged in the first
 * place; this is for texts of others, such as what a mail server or the database says about a value.
 */
const FORMS: readonly [RegExp, string][] = [
  // Credentials in an address, before the e-mail address that they look like.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, '$1[credentials]@'],
  [/[\w.+'~-]+(?:@|%40)[a-z0-9-]+(?:\.[a-z0-9-]+)+/gi, '[address]'],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, '$1 [credential]'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[token]'],
  [/\b(?:whsec_|SG\.)[\w.+/=-]{8,}/g, '[secret]'],
  // Tokens of links, API keys, hashes: long, and with a digit, which names of functions and files hardly have.
  [/(?=[\w-]*\d)[\w-]{40,}/g, '[token]'],
  // PostgreSQL quotes the value that it cannot take.
  [/((?:invalid|malformed|out of range)[^"\n]{0,80}|value |time zone )"[^"\n]*"/gi, '$1"…"'],
];
const LONGEST = 20_000;

/** The text as it may be logged, at most 20,000 characters of it. */
export function redact(text: string): string {
  return FORMS.reduce((shown, [form, instead]) => shown.replace(form, instead), text.slice(0, LONGEST));
}

/** The same for whatever is logged; objects are copied, errors become their text. */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redact(value);
  if (value instanceof Error) return redact(value.stack ?? value.message);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= 4) return '…';
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redacted(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redacted(item, depth + 1)]));
}
