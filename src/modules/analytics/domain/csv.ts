/** A text is somebody's and may be anything; the rest is ours. An instant is written in UTC (ISO 8601), null as an empty cell. */
export type CsvCell = string | number | boolean | Date | null;

/** What stands in each column, by the column's name, in order. */
export type CsvColumns<T> = Record<string, (row: T) => CsvCell>;

export interface CsvSize {
  /** Rows read, and sent, at once. */
  pageRows: number;
  /** Where a file ends, whatever comes. */
  maxRows: number;
}

/** What a spreadsheet takes for a formula, also where it trims or unwraps the cell first; the full-width signs are those of East Asian editions. */
const FORMULA = /^[\s\p{Cc}\p{Cf}"']*[=+\-@＝＋－＠]|^[\t\r\n]/u;
/** The semicolon too: it parts cells where the comma is the decimal sign. */
const NEEDS_QUOTES = /[",;'\s]/;

/**
 * One row by RFC 4180, with its line break. A text that a spreadsheet would calculate (CSV injection, OWASP) gets an apostrophe in front, which makes
 * it a text; numbers of our own stay numbers, negative ones too.
 */
export function csvRow(cells: readonly CsvCell[]): string {
  return `${cells.map(written).join(',')}\r\n`;
}

function written(cell: CsvCell): string {
  if (cell === null) return '';
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell !== 'string') return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A whole table that is in memory anyway. */
export function csvTable<T>(columns: CsvColumns<T>, rows: readonly T[]): string {
  return csvRow(Object.keys(columns)) + body(columns, rows);
}

/**
 * A file in pieces of a page, begun with the rows that have been read. `next` is asked for the page behind a row only when the piece before has been
 * taken, so whoever reads slowly, or stops, sets the pace. A page that is not full is the last.
 */
export async function* csvFile<T>(
  columns: CsvColumns<T>,
  first: readonly T[],
  next: (last: T) => Promise<readonly T[]>,
  { pageRows, maxRows }: CsvSize,
): AsyncGenerator<string, void> {
  let page = first.slice(0, maxRows);
  let left = maxRows - page.length;
  yield csvTable(columns, page);
  while (page.length >= pageRows && left > 0) {
    page = (await next(page[page.length - 1])).slice(0, left);
    left -= page.length;
    if (page.length > 0) yield body(columns, page);
  }
}

function body<T>(columns: CsvColumns<T>, rows: readonly T[]): string {
  const cells = Object.values(columns);
  return rows.map((row) => csvRow(cells.map((cell) => cell(row)))).join('');
}
