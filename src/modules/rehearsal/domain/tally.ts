import type { Flow, FlowStep } from '../../steps/index.js';

export interface BranchCount {
  name: string;
  nextStepId: string | null;
  count: number;
}

export interface VariantCount {
  variantId: string;
  name: string;
  sent: number;
  /** Sent and not bounced. */
  reached: number;
  opened: number;
  clicked: number;
  replied: number;
  converted: number;
}

export interface StepTally {
  stepId: string;
  name: string | null;
  type: FlowStep['type'];
  entered: number;
  sent: number;
  skipped: Record<string, number>;
  /** Messages that had to wait, by reason; each counts once a reason. */
  deferred: Record<string, number>;
  opened: number;
  clicked: number;
  replied: number;
  unsubscribed: number;
  bounced: number;
  branches: BranchCount[];
  variants: VariantCount[];
  decision: { outcome: string; winnerVariantId: string | null; reason: string; at: Date } | null;
  /** Arrivals; of an email the sending. */
  firstAt: Date | null;
  lastAt: Date | null;
}

/** What a rehearsal counts at each step. */
export class Tally {
  readonly steps: Map<string, StepTally>;

  constructor(flow: Flow, variantNames: ReadonlyMap<string, string>) {
    const ordered = [...flow.steps.values()].sort((a, b) => a.order - b.order);
    this.steps = new Map(ordered.map((step) => [step.id, emptyTally(step, variantNames)]));
  }

  of(stepId: string): StepTally {
    return this.steps.get(stepId)!;
  }

  variant(stepId: string, variantId: string | null): VariantCount | undefined {
    return variantId === null ? undefined : this.of(stepId).variants.find((variant) => variant.variantId === variantId);
  }

  /** Something happened at the step at this moment. */
  stamp(stepId: string, at: Date): void {
    const step = this.of(stepId);
    if (step.firstAt === null || at < step.firstAt) step.firstAt = at;
    if (step.lastAt === null || at > step.lastAt) step.lastAt = at;
  }

  /** A message of the step went out; answers the name of the variant. */
  sent(stepId: string, variantId: string | null, at: Date): string | null {
    this.of(stepId).sent += 1;
    this.stamp(stepId, at);
    const variant = this.variant(stepId, variantId);
    if (!variant) return null;
    variant.sent += 1;
    variant.reached += 1;
    return variant.name;
  }

  /** Something came back about a message of the step. */
  learn(stepId: string, variantId: string | null, type: 'opened' | 'clicked' | 'replied' | 'unsubscribed' | 'bounced'): void {
    this.of(stepId)[type] += 1;
    const variant = this.variant(stepId, variantId);
    if (!variant || type === 'unsubscribed') return;
    if (type === 'bounced') variant.reached -= 1;
    else variant[type] += 1;
  }

  skip(stepId: string, reason: string): void {
    increase(this.of(stepId).skipped, reason);
  }
}

export function increase(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function emptyTally(step: FlowStep, variantNames: ReadonlyMap<string, string>): StepTally {
  const counts = { sent: 0, reached: 0, opened: 0, clicked: 0, replied: 0, converted: 0 };
  return {
    stepId: step.id,
    name: step.name,
    type: step.type,
    entered: 0,
    sent: 0,
    skipped: {},
    deferred: {},
    opened: 0,
    clicked: 0,
    replied: 0,
    unsubscribed: 0,
    bounced: 0,
    branches: branchesOf(step).map((branch) => ({ ...branch, count: 0 })),
    variants: (step.experiment?.variants ?? []).map(({ id }) => ({ variantId: id, name: variantNames.get(id) ?? id, ...counts })),
    decision: null,
    firstAt: null,
    lastAt: null,
  };
}

/** The ways out of a forked step in the order in which steps number them. */
function branchesOf({ type, split, branches, trueNext, falseNext }: FlowStep): Omit<BranchCount, 'count'>[] {
  if (type === 'wait_for') return way('happened', trueNext).concat(way('time_up', falseNext));
  if (type !== 'condition') return [];
  if (!split) return way('true', trueNext).concat(way('false', falseNext));
  const names = [...split.branches.map(({ name }, index) => name ?? `branch ${index + 1}`), ...(split.type === 'rules' ? ['else'] : [])];
  return names.map((name, index) => ({ name, nextStepId: branches[index] }));
}

function way(name: string, nextStepId: string | null): Omit<BranchCount, 'count'>[] {
  return [{ name, nextStepId }];
}
