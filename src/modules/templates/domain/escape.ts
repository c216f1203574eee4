/**
 * Escaping by the place a value lands in: HTML text and quoted attributes, plain text, a part of a URL, a header line. Merge data is never
 * trusted in any of them.
 */
const HTML_UNSAFE = /[&<>"']/;
const HTML_UNSAFE_ALL = /[&<>"']/g;
const HTML_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };

/** A merge value as text. Objects have no useful text and give nothing: a recipient must never read `[object Object]`. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(plainText).join('');
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  return '';
}

/** Safe in HTML text and in quoted attribute values. */
export function escapeHtml(value: unknown): string {
  const text = typeof value === 'string' ? value : plainText(value);
  return HTML_UNSAFE.test(text) ? text.replace(HTML_UNSAFE_ALL, (character) => HTML_ENTITIES[character]) : text;
}

/** Escapes what is not escaped yet, so that `{{ x | escape | newline_to_br }}` is not escaped twice. */
export function escapeHtmlOnce(value: unknown): string {
  return plainText(value)
    .replace(/&(?!(?:amp|lt|gt|quot|#34|#39);)/g, '&amp;')
    .replace(/[<>"']/g, (character) => HTML_ENTITIES[character]);
}

/** A value inside a URL: no character of it can end the component it stands in. Lone surrogates, which have no UTF-8, become U+FFFD. */
export function escapeUrlPart(text: string): string {
  return encodeURIComponent(wellFormed(text));
}

/** A value that *is* the beginning of a URL: keeps its structure and its existing percent escapes, encodes the rest. */
export function normaliseUrl(text: string): string {
  return encodeURI(wellFormed(text.trim()))
    .replace(/%25([0-9a-f]{2})/gi, '%$1')
    .replace(/%5B/g, '[')
    .replace(/%5D/g, ']');
}

function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}

/** The kinds of address a link may lead to; anything else (`javascript:`, relative, empty) is `other`. */
export function urlKind(url: string): 'web' | 'contact' | 'other' {
  if (/^https?:\/\/[^\s/?#]/i.test(url)) return 'web';
  return /^(?:mailto|tel|sms):/i.test(url) ? 'contact' : 'other';
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

// One class and one quantifier: merge data decides the length of a run, so nothing here may backtrack.
const BLANK_RUNS = /[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
const MAX_LINE = 900;

/**
 * One header line: no CR, LF or other C0/C1 control can survive, whatever a merge field carried (header injection, RFC 5322 §2.2), and the
 * result stays below the 998 characters of a line.
 */
export function singleLine(text: string): string {
  const line = (CONTROLS.test(text) ? text.replace(BLANK_RUNS, (run) => (CONTROLS.test(run) ? ' ' : run)) : text).trim();
  return line.length <= MAX_LINE ? line : wellFormed(line.slice(0, MAX_LINE)).trimEnd();
}
