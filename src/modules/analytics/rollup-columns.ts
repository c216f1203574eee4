import type { DetailedCounts } from './domain/counts.js';

/** The columns that deltas, buckets and steps have in common. */
export const ROLLUP_COLUMNS = [
  'sent',
  'delivered',
  'bounced_hard',
  'bounced_block',
  'bounced_soft',
  'unique_opens',
  'any_opens',
  'unique_clicks',
  'any_clicks',
  'replies',
  'complaints',
  'unsubscribes',
  'total_opens',
  'machine_opens',
  'total_clicks',
  'machine_clicks',
] as const;

/** What each count of a report is made of. */
const MADE_OF: Record<keyof DetailedCounts, (typeof ROLLUP_COLUMNS)[number][]> = {
  emailsSent: ['sent'],
  emailsDelivered: ['delivered'],
  emailsBounced: ['bounced_hard', 'bounced_block', 'bounced_soft'],
  uniqueOpens: ['unique_opens'],
  totalOpens: ['total_opens'],
  uniqueClicks: ['unique_clicks'],
  totalClicks: ['total_clicks'],
  replies: ['replies'],
  spamComplaints: ['complaints'],
  unsubscribes: ['unsubscribes'],
  bouncesHard: ['bounced_hard'],
  bouncesSoft: ['bounced_soft'],
  bouncesBlocked: ['bounced_block'],
  machineOpens: ['machine_opens'],
  machineClicks: ['machine_clicks'],
  anyOpens: ['any_opens'],
  anyClicks: ['any_clicks'],
};

export const columnList = ROLLUP_COLUMNS.join(', ');
/** The same added up, in the same order. */
export const summedColumns = ROLLUP_COLUMNS.map((column) => `coalesce(sum(${column}), 0)::int AS ${column}`).join(', ');
/** The counts of a report by their names, added up over rows that have the columns. */
export const summedCounts = Object.entries(MADE_OF)
  .map(([name, columns]) => `coalesce(sum(${columns.join(' + ')}), 0)::int AS "${name}"`)
  .join(', ');
/** The columns counted from scratch, over rows of `analytics_facts`. */
export const recountedColumns = ROLLUP_COLUMNS.map((column) => `count(*) FILTER (WHERE what = '${column}')::int AS ${column}`).join(', ');
/** For `ON CONFLICT`: adds what is new to what is there. */
export const addedColumns = (table: string) =>
  ROLLUP_COLUMNS.map((column) => `${column} = ${table}.${column} + excluded.${column}`).join(', ');
