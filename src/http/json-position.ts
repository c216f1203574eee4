const STRING = String.raw`"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"`;
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const TOKEN = new RegExp(String.raw`[ \t\n\r]*(?:([{}\[\]:,])|(${STRING})|${NUMBER}|true|false|null)`, 'y');

type Expected = 'value' | 'valueOrEnd' | 'key' | 'keyOrEnd' | 'colon' | 'commaOrEnd' | 'nothing';

/**
 * Where a text stops being JSON, for people: `line 3, column 14`. `JSON.parse` tells it only in some cases and some versions of Node. Call it
 * only for texts that `JSON.parse` has refused.
 */
export function jsonFaultPosition(text: string): string {
  const before = text.slice(0, faultOffset(text));
  const lines = before.split('\n');
  return `line ${lines.length}, column ${lines[lines.length - 1].length + 1}`;
}

function faultOffset(text: string): number {
  const open: string[] = [];
  let expected: Expected = 'value';
  let offset = 0;
  for (;;) {
    TOKEN.lastIndex = offset;
    const match = TOKEN.exec(text);
    const start = offset + (/^[ \t\n\r]*/.exec(text.slice(offset, offset + 10_000))?.[0].length ?? 0);
    if (!match) return start;
    const next = step(expected, match[1] ?? (match[2] === undefined ? 'scalar' : 'string'), open);
    if (!next) return start;
    expected = next;
    offset = TOKEN.lastIndex;
  }
}

/** One step of the grammar (RFC 8259): what may follow this token, or null if it may not stand here. */
function step(expected: Expected, token: string, open: string[]): Expected | null {
  const after = (): Expected => (open.length === 0 ? 'nothing' : 'commaOrEnd');
  const inObject = open.at(-1) === '{';
  const closes = (token === '}' && inObject) || (token === ']' && open.at(-1) === '[');
  if (closes && (expected === 'commaOrEnd' || expected === (inObject ? 'keyOrEnd' : 'valueOrEnd'))) {
    open.pop();
    return after();
  }
  if (expected === 'key' || expected === 'keyOrEnd') return token === 'string' ? 'colon' : null;
  if (expected === 'colon') return token === ':' ? 'value' : null;
  if (expected === 'commaOrEnd') return token === ',' ? (inObject ? 'key' : 'value') : null;
  if (expected === 'nothing') return null;
  if (token === 'string' || token === 'scalar') return after();
  if (token !== '{' && token !== '[') return null;
  open.push(token);
  return token === '{' ? 'keyOrEnd' : 'valueOrEnd';
}
