import { createHash } from 'node:crypto';

/** What an approval is bound to, in parts, so that it can be said which of them changed. */
export const CONTENT_PARTS = ['audience', 'sender', 'schedule', 'pacing', 'settings', 'steps', 'variants', 'templates'] as const;
export type ContentPart = (typeof CONTENT_PARTS)[number];

type Row = Record<string, unknown>;

/** The rows a campaign is made of, as the database has them (column names). */
export interface ContentRows {
  campaign: Row;
  /** Every segment that the campaign and its steps refer to, also through others. */
  segments: readonly Row[];
  steps: readonly Row[];
  variants: readonly Row[];
  templates: readonly Row[];
}

/** The hash of everything, and of each part in hexadecimal. */
export interface ContentHash {
  hash: Buffer;
  parts: Record<ContentPart, string>;
}

/** Where a column belongs. What stands in neither list is one of the `settings`: a column nobody thought of is approved, too. */
const PART_OF: Partial<Record<ContentPart, readonly string[]>> = {
  audience: ['segment_id', 'entry_trigger', 'reentry', 'goal', 'exit_on_segment_leave', 'exit_on_reply', 'keep_enrolling'],
  sender: ['from_email', 'from_name', 'reply_to_email', 'provider_account_id'],
  schedule: ['start_date', 'end_date', 'timezone', 'send_strategy', 'start_in_contact_zone', 'send_window'],
  pacing: ['send_rate_per_minute', 'ramp_plan', 'frequency_cap', 'pause_thresholds'],
};
/** What the engine writes, or what says who made it and when: no content. Nobody receives the description. */
const NO_CONTENT: ReadonlySet<string> = new Set([
  ...['tenant_id', 'id', 'workspace_id', 'description', 'created_by', 'created_at', 'updated_at', 'last_edited_by'],
  ...['status', 'total_contacts', 'steps_version', 'steps_revision', 'launch_state', 'launch_error', 'enroll_cursor', 'enroll_total'],
  ...['enrollment_closed_at', 'launched_at', 'audience_at', 'paused_at', 'pause_reason', 'pause_detail', 'rates_counted_from'],
  ...['completed_at', 'cancelled_at'],
]);
/** The same instant may be written in several zones. */
const INSTANTS: ReadonlySet<string> = new Set(['start_date', 'end_date']);

/** SHA-256 over the canonical form of what would be sent to whom, when and how. The order of keys and of rows does not matter, that of steps does. */
export function hashContent({ campaign, segments, steps, variants, templates }: ContentRows): ContentHash {
  const places = new Map(Object.entries(PART_OF).flatMap(([part, columns]) => columns.map((column) => [column, part] as const)));
  const settings: Record<string, Row> = { audience: {}, sender: {}, schedule: {}, pacing: {}, settings: {} };
  for (const [column, value] of Object.entries(campaign)) {
    if (NO_CONTENT.has(column)) continue;
    settings[places.get(column) ?? 'settings'][column] = INSTANTS.has(column) ? instant(value) : value;
  }
  const contents: Record<ContentPart, unknown> = {
    audience: [settings.audience, unordered(segments)],
    sender: settings.sender,
    schedule: settings.schedule,
    pacing: settings.pacing,
    settings: settings.settings,
    steps,
    variants: unordered(variants),
    templates: unordered(templates),
  };
  const parts = Object.fromEntries(CONTENT_PARTS.map((part) => [part, sha256(canonicalJson(contents[part])).toString('hex')]));
  return { hash: sha256(canonicalJson(parts)), parts: parts as ContentHash['parts'] };
}

/** The parts that differ. One that an older hash does not know counts as changed. */
export function changedParts(before: Partial<ContentHash['parts']>, after: ContentHash['parts']): ContentPart[] {
  return CONTENT_PARTS.filter((part) => before[part] !== after[part]);
}

/** JSON with the keys of every object in one order; members that are undefined are left out, as JSON does. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

function unordered(rows: readonly Row[]): string[] {
  return rows.map(canonicalJson).sort();
}

function instant(value: unknown): unknown {
  return typeof value === 'string' || value instanceof Date ? new Date(value).toISOString() : value;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
