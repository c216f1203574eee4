import { UnsendableMessageError } from '../mail.errors.js';

// RFC 2047 §2: a line with an encoded-word has at most 76 characters. Ordinary lines are folded to the same width.
const LINE = 76;
const WORD_OPEN = '=?UTF-8?B?';
const WORD_CLOSE = '?=';
const WORD_OVERHEAD = WORD_OPEN.length + WORD_CLOSE.length;
// RFC 5322 §2.1.1: no line longer than 998 characters, whatever it holds.
const HARD_LINE = 998;

// C0 (with CR, LF, TAB and NUL), DEL and C1: none of them belongs in a header, and CR or LF would start a new one.

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Throws {@link UnsendableMessageError} when `value` could break out of its header line. `what` names the field for people. */
export function assertSingleLine(value: string, what: string): void {
  if (CONTROL.test(value)) {
    throw new UnsendableMessageError(`${what} contains a control character (line break, tab or similar); a header must be one line.`);
  }
}

export function isPrintableAscii(value: string): boolean {
  return PRINTABLE_ASCII.test(value);
}

/**
 * The value of an unstructured header (RFC 5322 §3.6.5) such as Subject: as it is where that survives every parser, otherwise as RFC 2047
 * encoded-words. `used` is how many columns the header name already takes. Decoding gives back exactly `value`.
 */
export function encodeUnstructured(value: string, used: number, what: string): string {
  assertSingleLine(value, what);
  return needsEncoding(value) ? encodeWords(value, used) : foldAtSpaces(value, used, what);
}

/**
 * Runs of spaces and outer spaces are changed by folding or parsing, `=?` would be decoded, and a very long word cannot be folded: these,
 * like everything outside ASCII, travel encoded.
 */
function needsEncoding(value: string): boolean {
  return !PRINTABLE_ASCII.test(value) || value.includes('=?') || /^ | $| {2}|[^ ]{75}/.test(value);
}

/** Encoded-words of whole characters (RFC 2047 §5: a character must not be split), folded. An empty value gives an empty string. */
export function encodeWords(value: string, used: number): string {
  const words: string[] = [];
  let chunk = '';
  let bytes = 0;
  let room = bytesThatFit(LINE - used);
  for (const character of value) {
    const size = Buffer.byteLength(character, 'utf8');
    if (bytes + size > room) {
      words.push(encodeWord(chunk));
      chunk = '';
      bytes = 0;
      room = bytesThatFit(LINE - 1);
    }
    chunk += character;
    bytes += size;
  }
  if (chunk !== '') words.push(encodeWord(chunk));
  return words.join('\r\n ');
}

function bytesThatFit(columns: number): number {
  // Never below one character of four bytes, so that a long header name cannot stop the loop; 75 is the limit of one encoded-word.
  return Math.max(4, Math.floor((Math.min(columns, 75) - WORD_OVERHEAD) / 4) * 3);
}

function encodeWord(text: string): string {
  return WORD_OPEN + Buffer.from(text, 'utf8').toString('base64') + WORD_CLOSE;
}

/** Folds at single spaces (RFC 5322 §2.2.3); unfolding gives back exactly `value`. A word longer than a line stays whole. */
export function foldAtSpaces(value: string, used: number, what: string): string {
  if (used + value.length <= LINE) return value;
  let folded = '';
  let column = used;
  for (const word of value.split(' ')) {
    if (word.length >= HARD_LINE - used) {
      throw new UnsendableMessageError(`${what} has a part of ${word.length} characters; a header line may not exceed ${HARD_LINE}.`);
    }
    const first = folded === '' && column === used;
    if (!first && word !== '' && column + 1 + word.length > LINE) {
      folded += `\r\n ${word}`;
      column = 1 + word.length;
    } else {
      folded += first ? word : ` ${word}`;
      column += word.length + (first ? 0 : 1);
    }
  }
  return folded;
}
