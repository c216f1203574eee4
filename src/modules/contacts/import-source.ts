import { pipeline, Transform, type Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { CsvError, parse } from 'csv-parse';
import { readHeader } from './domain/csv-header.js';
import { MAX_CELL_BYTES, MAX_COLUMNS, rowFromCells, rowFromObject, type ImportColumn, type ImportRow } from './domain/import-row.js';

/** No valid record is longer; without a bound an unclosed quote would take the rest of the file into memory. */
const MAX_RECORD_BYTES = MAX_COLUMNS * MAX_CELL_BYTES;

/** One record of the file: what it says, or what is wrong with it. `line` counts records from 1, in CSV with the header as the first. */
export interface SourceRecord {
  line: number;
  row: ImportRow | string;
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
export async function* csvRecords(body: Readable): AsyncGenerator<SourceRecord[]> {
  const parser = parse({
    bom: true,
    delimiter: ',',
    relax_column_count: true,
    max_record_size: MAX_RECORD_BYTES,
  });
  pipeline(body, encodingGuard(), parser, () => undefined);
  let columns: ImportColumn[] | null = null;
  let line = 0;
  try {
    for await (const records of handfuls<string[]>(parser)) {
      const found: SourceRecord[] = [];
      for (const cells of records) {
        line++;
        // An empty line counts, as it does in a spreadsheet, but says nothing.
        if (cells.length === 1 && cells[0].trim() === '') continue;
        if (columns) found.push({ line, row: rowFromCells(columns, cells) });
        else columns = header(line, cells);
      }
      yield found;
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // What the parser had read but not handed over yet is lost with it, so it counts better than we do.
    throw new UnreadableImport(Number(error.records ?? line) + 1, explain(error, columns !== null));
  }
  if (!columns) throw new UnreadableImport(1, 'the file is empty: the first row must name the columns, one of them "email"');
}

/** Reads one JSON object per line as it arrives. A line that is not JSON is a rejected row, not the end of the import. */
export async function* ndjsonRecords(body: Readable): AsyncGenerator<SourceRecord[]> {
  const bytes = pipeline(body, encodingGuard(), () => undefined);
  const decoder = new StringDecoder('utf8');
  let line = 0;
  let rest = '';
  const read = (lines: string[]) => lines.map((text) => ndjsonRecord(++line, text)).filter((record) => record !== null);
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

function ndjsonRecord(line: number, text: string): SourceRecord | null {
  const json = line === 1 ? text.replace(/^\uFEFF/, '') : text;
  if (json.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { line, row: 'is not valid JSON' };
  }
  return { line, row: rowFromObject(value) };
}

function header(line: number, cells: string[]): ImportColumn[] {
  const columns = readHeader(cells);
  if (typeof columns === 'string') throw new UnreadableImport(line, columns);
  return columns;
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
