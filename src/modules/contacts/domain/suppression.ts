import { addressFault } from './address.js';
import { textFault } from './text.js';

export const SUPPRESSION_REASONS = ['hard_bounce', 'soft_bounces', 'complaint', 'unsubscribed', 'manual', 'erased'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** Reasons that somebody may give. `erased` belongs to the erasure of a contact. */
export const GIVEN_REASONS = ['hard_bounce', 'soft_bounces', 'complaint', 'unsubscribed', 'manual'] as const;
export type GivenReason = (typeof GIVEN_REASONS)[number];

/** Reasons that are somebody's own will, or worse: nobody takes them away by accident. */
export const PROTECTED_REASONS: readonly SuppressionReason[] = ['complaint', 'unsubscribed', 'erased'];

export const MAX_DETAIL = 1_000;

/** One line of an imported suppression list. */
export interface SuppressionRow {
  email: string;
  /** The address without regard to case. */
  key: string;
  reason: GivenReason;
  detail: string | null;
}

/** Which cell holds what. Columns that are not here say nothing about a suppression and are passed over. */
interface Columns {
  count: number;
  email: number;
  reason: number;
  detail: number;
}

/** Reads the header of a list; returns where its columns stand, or what is wrong. Without regard to case, spaces, `_` and `-`. */
export function readSuppressionHeader(cells: string[]): Columns | string {
  const names = cells.map((cell) =>
    cell
      .trim()
      .toLowerCase()
      .replace(/[\s_-]/g, ''),
  );
  for (const name of ['email', 'reason', 'detail']) {
    if (names.filter((other) => other === name).length > 1) return `two columns of the header are called "${name}"`;
  }
  if (!names.includes('email')) {
    return `the header ${JSON.stringify(cells.join(',').slice(0, 100))} has no column "email": the first row must name the columns, separated by commas`;
  }
  return { count: cells.length, email: names.indexOf('email'), reason: names.indexOf('reason'), detail: names.indexOf('detail') };
}

/** Reads a CSV record; returns the row, or what is wrong with it. `fallback` is the reason where the row gives none. */
export function suppressionFromCells(columns: Columns, cells: string[], fallback: GivenReason): SuppressionRow | string {
  if (cells.length !== columns.count) return `has ${cells.length} cells where the header has ${columns.count}`;
  return suppressionRow(cells[columns.email], cells[columns.reason], cells[columns.detail], fallback);
}

/** Reads one NDJSON line that has been parsed; members other than `email`, `reason` and `detail` are passed over. */
export function suppressionFromObject(value: unknown, fallback: GivenReason): SuppressionRow | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not a JSON object';
  const { email, reason, detail } = value as Record<string, unknown>;
  return suppressionRow(email, reason, detail, fallback);
}

function suppressionRow(email: unknown, reason: unknown, detail: unknown, fallback: GivenReason): SuppressionRow | string {
  if (typeof email !== 'string') return 'email is missing';
  const address = email.trim();
  const fault = addressFault(address);
  if (fault) return `email ${fault}`;
  const given = reason === undefined || reason === null || reason === '' ? fallback : typeof reason === 'string' ? reason.trim() : reason;
  const known = GIVEN_REASONS.find((candidate) => candidate === given);
  if (!known) return `reason must be one of ${GIVEN_REASONS.join(', ')}`;
  const text = detail === undefined || detail === null ? '' : detail;
  if (typeof text !== 'string') return 'detail must be a text';
  if (text.length > MAX_DETAIL) return `detail is longer than ${MAX_DETAIL} characters`;
  const broken = textFault(text);
  if (broken) return `detail ${broken}`;
  return { email: address, key: address.toLowerCase(), reason: known, detail: text.trim() || null };
}

/** The rows of one batch, one per address; of several the strongest reason stands, else the first. */
export class SuppressionBatch {
  private readonly byKey = new Map<string, SuppressionRow>();
  size = 0;
  length = 0;

  add(_line: number, row: SuppressionRow): void {
    this.size++;
    this.length += row.email.length + (row.detail?.length ?? 0);
    const earlier = this.byKey.get(row.key);
    if (!earlier || (earlier.reason === 'unsubscribed' && row.reason !== 'unsubscribed')) this.byKey.set(row.key, row);
  }

  overlaps(other: SuppressionBatch): boolean {
    for (const key of this.byKey.keys()) if (other.byKey.has(key)) return true;
    return false;
  }

  rows(): SuppressionRow[] {
    return [...this.byKey.values()];
  }
}
