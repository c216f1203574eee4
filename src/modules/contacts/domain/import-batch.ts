import type { ImportRow } from './import-row.js';

/** A row on its way to the database: kept as the JSON it travels as, which needs a third of the memory of the object. */
export interface PackedRow {
  line: number;
  key: string;
  json: string;
  isTagged: boolean;
}

/**
 * The rows of one batch, one per address. A later row of the same address is laid over the earlier one, exactly as if they had been imported
 * one after the other: what it says wins, what it leaves out stays, tags and attributes add up. So the outcome does not depend on where one
 * batch ends and the next begins.
 */
export class ImportBatch {
  private readonly rows = new Map<string, PackedRow>();
  /** Rows laid over an earlier one: they count as `updated` if they said something new, else as `unchanged`. */
  repeatedUpdates = 0;
  repeatedUnchanged = 0;
  /** Rows taken, repeated ones included. */
  size = 0;
  /** Characters taken. */
  length = 0;

  add(line: number, row: ImportRow): void {
    this.size++;
    const earlier = this.rows.get(row.key);
    const packed = pack(line, earlier ? overlaid(unpack(earlier), row) : row);
    this.length += packed.json.length;
    if (earlier && pack(earlier.line, unpack(packed)).json === earlier.json) this.repeatedUnchanged++;
    else if (earlier) this.repeatedUpdates++;
    this.rows.set(row.key, packed);
  }

  /** Whether an address is in both. */
  overlaps(other: ImportBatch): boolean {
    for (const key of this.rows.keys()) if (other.rows.has(key)) return true;
    return false;
  }

  /** In the order of the addresses: two imports at once then lock contacts in the same order and cannot deadlock. */
  sorted(): PackedRow[] {
    return [...this.rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** The members are one letter long because there are many: number of the row, email, first and last name, zone, score, tags, attributes. */
interface Packed {
  n: number;
  e: string;
  f: string | null;
  l: string | null;
  z: string | null;
  s: number | null;
  t: string[] | null;
  a: ImportRow['attributes'];
}

function pack(line: number, r: ImportRow): PackedRow {
  const packed: Packed = { n: line, e: r.email, f: r.firstName, l: r.lastName, z: r.timezone, s: r.leadScore, t: r.tags, a: r.attributes };
  return { line, key: r.key, json: JSON.stringify(packed), isTagged: r.tags !== null };
}

function unpack({ key, json }: PackedRow): ImportRow {
  const { e, f, l, z, s, t, a } = JSON.parse(json) as Packed;
  return { email: e, key, firstName: f, lastName: l, timezone: z, leadScore: s, tags: t, attributes: a };
}

function overlaid(row: ImportRow, later: ImportRow): ImportRow {
  return {
    email: row.email,
    key: row.key,
    firstName: later.firstName ?? row.firstName,
    lastName: later.lastName ?? row.lastName,
    timezone: later.timezone ?? row.timezone,
    leadScore: later.leadScore ?? row.leadScore,
    tags: later.tags ? [...new Set([...(row.tags ?? []), ...later.tags])] : row.tags,
    attributes: later.attributes ? { ...row.attributes, ...later.attributes } : row.attributes,
  };
}
