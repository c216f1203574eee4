/**
 * What PostgreSQL cannot store or nobody means: NUL (refused by `text`), lone surrogates (refused by `jsonb`), and U+FFFD, which is what a
 * file in another encoding than UTF-8 turns into. Returns what is wrong, or null.
 */
export function textFault(value: string): string | null {
  if (value.includes('\0')) return 'contains a NUL character';
  if (LONE_SURROGATE.test(value)) return 'contains half of a surrogate pair, which is not a character';
  if (value.includes('\uFFFD')) return 'contains characters that are not UTF-8; save the text as UTF-8';
  return null;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** For one-line values that may end up in a mail header or a page title: names, tags. */
export function lineFault(value: string, maxLength: number): string | null {
  if (value.length > maxLength) return `is longer than ${maxLength} characters`;
  if (CONTROL.test(value)) return 'contains a control character (a line break, a tab or NUL)';
  return textFault(value);
}

export const MAX_NAME_LENGTH = 255;
export const MAX_TAG_LENGTH = 100;
export const MAX_TAGS = 100;

/** Whether a string can be a tag, already trimmed. */
export function tagFault(tag: string): string | null {
  return tag === '' ? 'is empty' : lineFault(tag, MAX_TAG_LENGTH);
}

export const LEAD_SCORE = { min: -2_147_483_648, max: 2_147_483_647 } as const;
