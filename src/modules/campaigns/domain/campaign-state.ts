export const CAMPAIGN_STATUSES = ['draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled'] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number];

export interface Transition {
  readonly from: readonly CampaignStatus[];
  readonly to: CampaignStatus;
}

/**
 * Every way a campaign changes its status; nothing else writes that column. A draft is never cancelled, it is deleted.
 * `end` is what the end date does: unlike `complete` (everybody is through) it also closes a paused campaign.
 */
export const CAMPAIGN_TRANSITIONS = {
  schedule: { from: ['draft'], to: 'scheduled' },
  unschedule: { from: ['scheduled'], to: 'draft' },
  launch: { from: ['draft', 'scheduled'], to: 'active' },
  pause: { from: ['active'], to: 'paused' },
  resume: { from: ['paused'], to: 'active' },
  complete: { from: ['active'], to: 'completed' },
  end: { from: ['active', 'paused'], to: 'completed' },
  cancel: { from: ['scheduled', 'active', 'paused'], to: 'cancelled' },
} as const satisfies Record<string, Transition>;
export type CampaignAction = keyof typeof CAMPAIGN_TRANSITIONS;

/** The campaign and its steps may be changed only before launch. */
export const EDITABLE_STATUSES: readonly CampaignStatus[] = ['draft', 'scheduled'];
export const DELETABLE_STATUSES: readonly CampaignStatus[] = ['draft'];

export function transitionOf(action: CampaignAction): Transition {
  return CAMPAIGN_TRANSITIONS[action];
}

export function canTransition(action: CampaignAction, status: CampaignStatus): boolean {
  return transitionOf(action).from.includes(status);
}

export function isEditable(status: CampaignStatus): boolean {
  return EDITABLE_STATUSES.includes(status);
}

/**
 * What is wrong with a transition table, in words; empty if it is sound: every status reachable from `draft`, none a dead end but the two
 * final ones, no transition onto itself. Run at start-up, so that a slip in the table stops the process and not a customer's campaign.
 */
export function transitionFaults(table: Readonly<Record<string, Transition>>): string[] {
  const faults: string[] = [];
  const transitions = Object.entries(table);
  for (const [action, { from, to }] of transitions) {
    if (from.length === 0) faults.push(`"${action}" starts nowhere`);
    if (new Set(from).size < from.length) faults.push(`"${action}" names a status twice`);
    if (from.includes(to)) faults.push(`"${action}" leads from "${to}" to itself`);
  }
  const reached = reachable(table);
  for (const status of CAMPAIGN_STATUSES) {
    if (!reached.has(status)) faults.push(`"${status}" cannot be reached from "draft"`);
    const leaves = transitions.some(([, { from }]) => from.includes(status));
    const isFinal = status === 'completed' || status === 'cancelled';
    if (leaves && isFinal) faults.push(`"${status}" is final, but something leaves it`);
    if (!leaves && !isFinal) faults.push(`"${status}" is a dead end`);
  }
  return faults;
}

function reachable(table: Readonly<Record<string, Transition>>): Set<CampaignStatus> {
  const reached = new Set<CampaignStatus>(['draft']);
  for (let before = 0; before < reached.size;) {
    before = reached.size;
    for (const { from, to } of Object.values(table)) if (from.some((status) => reached.has(status))) reached.add(to);
  }
  return reached;
}
