/** More than any form has; what follows is not looked at. */
const MAX_PARTS = 1_000;
/** Of what looks like the end of a part: text may have it in it too. */
const MAX_CANDIDATES = 20_000;
const MAX_PART_HEADERS = 16 * 1024;
/** Of each text so much is read; headers of mail and lists of recipients are shorter. */
const MAX_TEXT = 256 * 1024;
/** RFC 2046 §5.1.1 says 70. */
const BOUNDARY = /;\s*boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s;,"]{1,200})(?=[\s;,]|$))/i;
const NAME = /;\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i;
const IS_FILE = /;\s*filename\*?\s*=/i;

/**
 * The texts with these names in a `multipart/form-data` body (RFC 7578), each the first of its name; null if the Content-Type names no boundary. Reads
 * what mail gateways write rather than what the standard allows: a preamble, parts that are described oddly, an end that is missing. Such faults cost
 * at most the part they are in; a part that is cut off does not count. Files are passed over.
 */
export function readFormTexts(contentType: string, body: Buffer, names: ReadonlySet<string>): Map<string, string> | null {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) return null;
  const texts = new Map<string, string>();
  let start: number | null = null;
  let parts = 0;
  for (const { from, to, isEnd } of delimiters(body, `--${boundary}`)) {
    if (start !== null) readPart(body.subarray(start, from), names, texts);
    if (isEnd || ++parts > MAX_PARTS || texts.size === names.size) break;
    start = to;
  }
  return texts;
}

interface Delimiter {
  /** Where what is before it ends. */
  from: number;
  to: number;
  isEnd: boolean;
}

/** Lines that are the boundary, and nothing that only begins like it. */
function* delimiters(body: Buffer, boundary: string): Generator<Delimiter> {
  const mark = Buffer.from(boundary, 'latin1');
  let at = body.indexOf(mark);
  for (let seen = 0; at !== -1 && seen < MAX_CANDIDATES; seen++, at = body.indexOf(mark, at + mark.length)) {
    const from = lineStart(body, at);
    if (from === null) continue;
    const rest = /^(--)?[ \t]*(\r?\n|$)/.exec(body.toString('latin1', at + mark.length, at + mark.length + 100));
    if (!rest) continue;
    yield { from, to: at + mark.length + rest[0].length, isEnd: rest[1] !== undefined };
  }
}

/** Where the line break before a line begins that starts at `at`; null if no line starts there. */
function lineStart(body: Buffer, at: number): number | null {
  if (at === 0) return 0;
  if (body[at - 1] !== 0x0a) return null;
  return at >= 2 && body[at - 2] === 0x0d ? at - 2 : at - 1;
}

function readPart(part: Buffer, names: ReadonlySet<string>, texts: Map<string, string>): void {
  const head = /^([\s\S]*?)\r?\n\r?\n/.exec(part.toString('latin1', 0, MAX_PART_HEADERS));
  if (!head) return;
  const disposition = /^content-disposition:(.*(?:\r?\n[ \t].*)*)/im.exec(head[1])?.[1];
  if (disposition === undefined || IS_FILE.test(disposition)) return;
  const [, quoted, bare] = NAME.exec(disposition) ?? [];
  const name = quoted ?? bare;
  if (name === undefined || !names.has(name) || texts.has(name)) return;
  texts.set(name, part.toString('utf8', head[0].length, head[0].length + MAX_TEXT));
}
