import { isTimeZone } from '../../../shared/time-zone.js';
import { addressFault } from './address.js';
import { attributeNameFault, attributeValueFault, MAX_ATTRIBUTES, type Attributes, type AttributeValue } from './attributes.js';
import { lineFault, LEAD_SCORE, MAX_NAME_LENGTH, MAX_TAGS, tagFault, textFault } from './text.js';

/** One line of an import, read and checked. `null` means "not said": it leaves an existing contact's value as it is. */
export interface ImportRow {
  email: string;
  /** The address without regard to case, as far as this process can tell; the database decides with `lower()`. */
  key: string;
  firstName: string | null;
  lastName: string | null;
  timezone: string | null;
  leadScore: number | null;
  /** Added to the contact's tags; an import takes none away. */
  tags: string[] | null;
  /** Merged into the contact's attributes. */
  attributes: Attributes | null;
}

/** Fields a file may name, by how their name reads without case, spaces, `_` and `-`: `first_name` and `First Name` are `firstName`. */
const FIELDS = {
  email: 'email',
  firstname: 'firstName',
  lastname: 'lastName',
  timezone: 'timezone',
  leadscore: 'leadScore',
  tags: 'tags',
} as const;
type Field = (typeof FIELDS)[keyof typeof FIELDS];
export type ImportColumn = { field: Field } | { attribute: string };

export const MAX_COLUMNS = 100;
/** Of one cell, in UTF-8. */
export const MAX_CELL_BYTES = 10_240;

/** What a column (or a top-level member of an NDJSON line) means: a field of the contact, or else a custom attribute of that name. */
export function importColumn(name: string): ImportColumn {
  const field = FIELDS[name.toLowerCase().replace(/[\s_-]/g, '') as keyof typeof FIELDS] as Field | undefined;
  return field ? { field } : { attribute: name };
}

/** Why no column may have this name, or null. */
export function importColumnFault(name: string): string | null {
  const column = importColumn(name);
  if ('field' in column) return null;
  // Silently turning consent into an attribute would mail people who have said no.
  if (name.toLowerCase() === 'subscribed') return "cannot be imported: an import changes nobody's consent. Leave the column out";
  return attributeNameFault(name);
}

/** Reads a CSV record against its header. Returns the row, or what is wrong with it in one sentence per fault. */
export function rowFromCells(columns: ImportColumn[], cells: string[]): ImportRow | string {
  if (cells.length !== columns.length) {
    return `has ${count(cells.length, 'cell')} where the header has ${count(columns.length, 'column')}: is a value with a comma not in quotes?`;
  }
  const reader = new RowReader();
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    const cell = cells[i].trim();
    if (cell === '') continue;
    if (cell.length > MAX_CELL_BYTES / 3 && Buffer.byteLength(cell) > MAX_CELL_BYTES) {
      reader.fault('field' in column ? column.field : column.attribute, `is larger than ${MAX_CELL_BYTES} bytes`);
    } else if ('field' in column) reader.field(column.field, cell);
    else reader.attribute(column.attribute, cell);
  }
  return reader.result();
}

/** Reads one NDJSON line that has been parsed: the fields of a contact, `attributes`, and other members, which become attributes too. */
export function rowFromObject(value: unknown): ImportRow | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not a JSON object';
  const reader = new RowReader();
  for (const [name, item] of Object.entries(value)) {
    if (item === null || item === '') continue;
    if (name === 'attributes') reader.attributes(item);
    else {
      const fault = importColumnFault(name);
      const column = importColumn(name);
      if (fault) reader.fault(name, fault);
      else if ('field' in column) reader.field(column.field, item);
      else reader.attribute(column.attribute, item);
    }
  }
  return reader.result();
}

class RowReader {
  private readonly faults: string[] = [];
  private readonly row: ImportRow = {
    email: '',
    key: '',
    firstName: null,
    lastName: null,
    timezone: null,
    leadScore: null,
    tags: null,
    attributes: null,
  };
  private attributeCount = 0;

  field(field: Field, value: unknown): void {
    if (field === 'tags') return this.tags(value);
    if (field === 'leadScore') return this.leadScore(value);
    if (typeof value !== 'string') return this.fault(field, 'must be a text');
    const text = value.trim();
    if (text === '') return;
    const message = fieldFault(field, text);
    if (message) return this.fault(field, message);
    this.row[field] = text;
  }

  attributes(value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.fault('attributes', 'must be an object');
    for (const [name, item] of Object.entries(value)) {
      if (item === null || item === '') continue;
      const message = attributeNameFault(name);
      if (message) this.fault(`attributes.${name}`, message);
      else this.attribute(name, item);
    }
  }

  attribute(name: string, value: unknown): void {
    const message = typeof value === 'string' && value.length < 3_000 ? textFault(value) : attributeValueFault(value);
    if (message) return this.fault(name, message);
    if (++this.attributeCount > MAX_ATTRIBUTES) {
      if (this.attributeCount === MAX_ATTRIBUTES + 1) this.fault('attributes', `are more than ${MAX_ATTRIBUTES}`);
      return;
    }
    (this.row.attributes ??= {})[name] = value as AttributeValue;
  }

  fault(name: string, message: string): void {
    this.faults.push(`${name.slice(0, 100)} ${message}`);
  }

  result(): ImportRow | string {
    if (this.row.email === '' && !this.faults.some((fault) => fault.startsWith('email '))) this.fault('email', 'is missing');
    if (this.faults.length > 0) return this.faults.slice(0, 5).join('; ');
    this.row.key = this.row.email.toLowerCase();
    return this.row;
  }

  private tags(value: unknown): void {
    const list: unknown[] = typeof value === 'string' ? value.split(';') : Array.isArray(value) ? value : [value];
    const tags = new Set<string>();
    for (const item of list) {
      const tag = typeof item === 'string' ? item.trim() : null;
      if (tag === '') continue;
      const message = tag === null ? 'must be texts' : tagFault(tag);
      if (message || tag === null) return this.fault('tags', `hold one that ${message}`);
      tags.add(tag);
    }
    if (tags.size > MAX_TAGS) return this.fault('tags', `are more than ${MAX_TAGS}`);
    if (tags.size > 0) this.row.tags = [...tags];
  }

  private leadScore(value: unknown): void {
    const score = typeof value === 'string' && /^\s*[+-]?\d{1,12}\s*$/.test(value) ? Number(value) : value;
    if (typeof score !== 'number' || !Number.isInteger(score) || score < LEAD_SCORE.min || score > LEAD_SCORE.max) {
      return this.fault('leadScore', `must be a whole number from ${LEAD_SCORE.min} to ${LEAD_SCORE.max}`);
    }
    this.row.leadScore = score;
  }
}

function fieldFault(field: 'email' | 'firstName' | 'lastName' | 'timezone', text: string): string | null {
  if (field === 'email') return addressFault(text);
  if (field === 'timezone') return isTimeZone(text) ? null : 'is not a time zone of the IANA database, such as Europe/Berlin';
  return lineFault(text, MAX_NAME_LENGTH);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
