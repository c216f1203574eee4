import type { ImportRow } from './import-row.js';

/**
 * The rows of one batch, one per address. A later row of the same address is laid over the earlier one, exactly as if they had been imported
 * one after the other: what it says wins, what it leaves out stays, tags and attributes add up. So the outcome does not depend on where one
 * batch ends and the next begins.
 */
export class ImportBatch {
  private readonly rows = new Map<string, { row: ImportRow; line: number }>();
  /** Rows laid over an earlier one: they count as `updated` if they said something new, else as `unchanged`. */
  repeatedUpdates = 0;
  repeatedUnchanged = 0;
  /** Rows taken, repeated ones included. */
  size = 0;

  add(line: number, row: ImportRow): void {
    this.size++;
    const earlier = this.rows.get(row.key);
    if (earlier && overlay(earlier.row, row)) this.repeatedUpdates++;
    else if (earlier) this.repeatedUnchanged++;
    else this.rows.set(row.key, { row, line });
    if (earlier) earlier.line = line;
  }

  /** In the order of the addresses: two imports at once then lock contacts in the same order and cannot deadlock. */
  sorted(): { row: ImportRow; line: number }[] {
    return [...this.rows.values()].sort((a, b) => (a.row.key < b.row.key ? -1 : 1));
  }
}

/** Lays `later` over `row` and tells whether that changed anything. */
function overlay(row: ImportRow, later: ImportRow): boolean {
  const before = JSON.stringify([row.firstName, row.lastName, row.timezone, row.leadScore, row.tags, row.attributes]);
  row.firstName = later.firstName ?? row.firstName;
  row.lastName = later.lastName ?? row.lastName;
  row.timezone = later.timezone ?? row.timezone;
  row.leadScore = later.leadScore ?? row.leadScore;
  if (later.tags) row.tags = [...new Set([...(row.tags ?? []), ...later.tags])];
  if (later.attributes) row.attributes = { ...row.attributes, ...later.attributes };
  return JSON.stringify([row.firstName, row.lastName, row.timezone, row.leadScore, row.tags, row.attributes]) !== before;
}
