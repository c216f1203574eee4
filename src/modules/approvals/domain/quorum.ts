import type { Role } from '../../identity/index.js';

/** So many people with this role must approve; of a request that names approvers, these and no others. */
export interface Stage {
  role: Role;
  quorum: number;
  approverIds?: string[] | null;
}

/** What one person said in one role. */
export interface Decision {
  approverId: string;
  role: string;
  status: 'approved' | 'rejected';
}

export interface Standing {
  /** `rejected` as soon as one person rejects: nobody outvotes a no. */
  status: 'pending' | 'approved' | 'rejected';
  /** The stage that is being decided, by index; null once nothing is open. */
  open: number | null;
  /** Approvals of each stage. */
  approved: number[];
}

/** How far a request has come: the stages are gone through in order, each until its quorum is reached. */
export function standingOf(stages: readonly Stage[], decisions: readonly Decision[]): Standing {
  const approved = stages.map(({ role }) => approvalsOf(role, decisions));
  if (decisions.some(({ status }) => status === 'rejected')) return { status: 'rejected', open: null, approved };
  const open = stages.findIndex(({ quorum }, index) => approved[index] < quorum);
  return open === -1 ? { status: 'approved', open: null, approved } : { status: 'pending', open, approved };
}

/** Whether these decisions are enough for what is asked for now, which may be more than when they were made. */
export function satisfies(required: readonly Stage[], decisions: readonly Decision[]): boolean {
  return standingOf(required, decisions).status === 'approved';
}

/** What several policies ask for together: each role once, in the order in which it first comes up, with the largest quorum. */
export function mergeStages(policies: readonly { stages: readonly Stage[] }[]): Stage[] {
  const merged = new Map<Role, Stage>();
  for (const { role, quorum } of policies.flatMap(({ stages }) => stages)) {
    merged.set(role, { role, quorum: Math.max(quorum, merged.get(role)?.quorum ?? 0) });
  }
  return [...merged.values()];
}

export interface Policy {
  campaignTypes: readonly string[];
  minAudience: number;
  stages: readonly Stage[];
}

/** The policies that cover a campaign. An audience that is not known, or that may grow without end, counts as large. */
export function covering<P extends Policy>(policies: readonly P[], campaignType: string, audience: number | null): P[] {
  return policies.filter(
    ({ campaignTypes, minAudience }) =>
      (campaignTypes.length === 0 || campaignTypes.includes(campaignType)) && (audience === null || audience >= minAudience),
  );
}

function approvalsOf(role: Role, decisions: readonly Decision[]): number {
  return new Set(decisions.filter((made) => made.role === role && made.status === 'approved').map(({ approverId }) => approverId)).size;
}
