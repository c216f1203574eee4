import { pipeline, Transform, type Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { CsvError, parse } from 'csv-parse';
import { MAX_CELL_BYTES, MAX_COLUMNS } from './domain/import-row.js';

/** No valid record is longer; without a bound an unclosed quote would take the rest of the file into memory. */
const MAX_RECORD_BYTES = MAX_COLUMNS * MAX_CELL_BYTES;

export type ImportFormat = 'csv' | 'ndjson';

export function importFormatOf(contentType = ''): ImportFormat {
  return /^\s*text\/csv\b/i.test(contentType) ? 'csv' : 'ndjson';
}

/** How the records of a kind of file are read. A text is what is wrong, for people. */
export interface RowReader<Row> {
  /** Understands the header of a CSV file: gives what reads the records below it. */
  header(cells: string[]): ((cells: string[]) => Row | string) | string;
  /** Reads one line of NDJSON. */
  object(value: unknown): Row | string;
}

/** One record of the file: what it says, or what is wrong with it. `line` counts records from 1, in CSV with the header as the first. */
export interface SourceRecord<Row> {
  line: number;
  row: Row | string;
}

/** The file cannot be read any further. Nothing from `line` on was looked at. */
export class UnreadableImport extends Error {
  constructor(
    readonly line: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads CSV (RFC 4180, UTF-8, with or without a byte order mark) as it arrives. Records come in handfuls, because a promise for each would
 * cost as much as reading it.
 */
export async function* csvRecords<Row>(body: Readable, reader: RowReader<Row>): AsyncGenerator<SourceRecord<Row>[]> {
  const parser = parse({
    bom: true,
    delimiter: ',',
    relax_column_count: true,
    max_record_size: MAX_RECORD_BYTES,
  });
  pipeline(body, encodingGuard(), parser, () => undefined);
  let read: ((cells: string[]) => Row | string) | null = null;
  let line = 0;
  try {
    for await (const records of handfuls<string[]>(parser)) {
      const found: SourceRecord<Row>[] = [];
      for (const cells of records) {
        line++;
        // An empty line counts, as it does in a spreadsheet, but says nothing.
        if (cells.length === 1 && cells[0].trim() === '') continue;
        if (read) found.push({ line, row: read(cells) });
        else read = header(line, cells, reader);
      }
      yield found;
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // What the parser had read but not handed over yet is lost with it, so it counts better than we do.
    throw new UnreadableImport(Number(error.records ?? line) + 1, explain(error, read !== null));
  }
  if (!read) throw new UnreadableImport(1, 'the file is empty: the first row must name the columns, one of them "email"');
}

/** Reads one JSON object per line as it arrives. A line that is not JSON is a rejected row, not the end of the import. */
export async function* ndjsonRecords<Row>(body: Readable, reader: RowReader<Row>): AsyncGenerator<SourceRecord<Row>[]> {
  const bytes = pipeline(body, encodingGuard(), () => undefined);
  const decoder = new StringDecoder('utf8');
  let line = 0;
  let rest = '';
  const read = (lines: string[]) => lines.map((text) => ndjsonRecord(++line, text, reader)).filter((record) => record !== null);
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield read(lines);
    if (rest.length > MAX_RECORD_BYTES) throw new UnreadableImport(line + 1, `the line is longer than ${MAX_RECORD_BYTES} characters`);
  }
  yield read([rest + decoder.end()]);
}

/** What an object stream has at hand, each time it has something. */
async function* handfuls<T>(stream: Readable): AsyncGenerator<T[]> {
  for (;;) {
    const found: T[] = [];
    for (let item = stream.read() as T | null; item !== null; item = stream.read() as T | null) found.push(item);
    if (found.length > 0) yield found;
    else if (stream.errored) throw stream.errored;
    else if (stream.readableEnded) return;
    else await somethingNew(stream);
  }
}

function somethingNew(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const happened = (): void => {
      for (const event of EVENTS) stream.off(event, happened);
      resolve();
    };
    for (const event of EVENTS) stream.on(event, happened);
  });
}

const EVENTS = ['readable', 'end', 'error', 'close'] as const;

function ndjsonRecord<Row>(line: number, text: string, reader: RowReader<Row>): SourceRecord<Row> | null {
  const json = line === 1 ? text.replace(/^\uFEFF/, '') : text;
  if (json.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { line, row: 'is not valid JSON' };
  }
  return { line, row: reader.object(value) };
}

function header<Row>(line: number, cells: string[], reader: RowReader<Row>): (cells: string[]) => Row | string {
  const read = reader.header(cells);
  if (typeof read === 'string') throw new UnreadableImport(line, read);
  return read;
}

function explain({ code }: CsvError, afterHeader: boolean): string {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is opened and never closed';
    case 'CSV_MAX_RECORD_SIZE':
      return `the row is longer than ${MAX_RECORD_BYTES} characters: is a quote opened and never closed?`;
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'a quoted value is followed by something else than a comma or the end of the row; quotes inside a quoted value are doubled ("")';
    case 'INVALID_OPENING_QUOTE':
      return 'there is a quote inside a value that is not quoted; quote the whole value and double the quotes inside it ("")';
    default:
      return afterHeader ? 'the row is not valid CSV' : 'the header is not valid CSV';
  }
}

/** Stops a file in UTF-16, which spreadsheets call "Unicode text". */
function encodingGuard(): Transform {
  let first = true;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const isUtf16 = first && ['fffe', 'feff'].includes(chunk.subarray(0, 2).toString('hex'));
      first = false;
      if (isUtf16) done(new UnreadableImport(1, 'the file is in UTF-16; save it as UTF-8'));
      else done(null, chunk);
    },
  });
}
