import { importColumn, importColumnFault, MAX_COLUMNS, type ImportColumn } from './import-row.js';

/** Reads the header of a CSV file. Returns its columns, or what is wrong with it. */
export function readHeader(cells: string[]): ImportColumn[] | string {
  const names = cells.map((cell) => cell.trim());
  const shown = JSON.stringify(names.join(',').slice(0, 100));
  const columns = names.map(importColumn);
  if (!columns.some((column) => 'field' in column && column.field === 'email')) return withoutEmail(names, shown);
  if (names.length > MAX_COLUMNS) return `the header has ${names.length} columns, at most ${MAX_COLUMNS} are allowed`;
  const seen = new Set<string>();
  for (let i = 0; i < names.length; i++) {
    const column = columns[i];
    const meaning = 'field' in column ? column.field : column.attribute;
    if (names[i] === '') return `column ${i + 1} of the header has no name`;
    const fault = importColumnFault(names[i]);
    if (fault) return `column ${i + 1} of the header, ${JSON.stringify(names[i].slice(0, 100))}, ${fault}`;
    if (seen.has(meaning)) return `two columns of the header mean ${JSON.stringify(meaning)}`;
    seen.add(meaning);
  }
  return columns;
}

function withoutEmail(names: string[], shown: string): string {
  if (names.length === 1) {
    const other = [';', '\t', '|'].find((delimiter) => names[0].includes(delimiter));
    if (other)
      return `the header ${shown} seems to be separated by ${other === '\t' ? 'tabs' : `"${other}"`}; separate the cells by commas`;
  }
  if (names.some((name) => name.includes('@')))
    return `the first row ${shown} is not a header: it must name the columns, one of them "email"`;
  return `the header ${shown} has no column "email"`;
}
