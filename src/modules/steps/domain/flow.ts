import type { Rule } from '../../segments/index.js';
import type { WaitUntil } from '../../../shared/wait-until.js';
import type { AbTest } from './ab-test.js';
import { inOrder, resolveEdges, type FlowEdges } from './flow-graph.js';
import type { SplitConfig } from './split.js';
import type { ActionConfig, CampaignStep, StepType, WaitDuration, WaitEvent } from './step.js';

/** A step as the engine walks it. A null edge ends the flow; a condition has only the two branches. */
export interface FlowStep extends FlowEdges {
  id: string;
  /** The first step of its line, where that is another one: see `lineOf`. */
  lineageId?: string;
  order: number;
  name: string | null;
  type: StepType;
  /** wait_for: at most. */
  wait: WaitDuration | null;
  waitUntil: WaitUntil | null;
  /** wait_for: the event; null where `rules` say what is waited for. */
  event: WaitEvent | null;
  rules: Rule | null;
  split: SplitConfig | null;
  action: ActionConfig | null;
  /** Of an email step with variants. */
  experiment?: FlowExperiment | null;
}

/** The variants of an email step, in order; the first is the control. Without `test` everybody is split by weight for good. */
export interface FlowExperiment {
  variants: { id: string; weight: number }[];
  test: AbTest | null;
}

export interface Flow {
  campaignId: string;
  version: number;
  firstStepId: string | null;
  steps: Map<string, FlowStep>;
}

export function toFlow(campaignId: string, version: number, rows: readonly CampaignStep[]): Flow {
  const edges = resolveEdges(rows);
  const ordered = inOrder(rows);
  const steps = ordered.map((row): FlowStep => ({
    id: row.id,
    lineageId: row.lineageId,
    order: row.stepOrder,
    name: row.stepName,
    type: row.stepType,
    ...edges.get(row.id)!,
    wait: row.waitDuration,
    waitUntil: row.waitUntil,
    event: row.waitEvent,
    // Checked when it was saved.
    rules: row.conditionRules as Rule | null,
    split: row.splitConfig,
    action: row.actionConfig,
    experiment: row.variants.length > 0 ? { variants: row.variants.map(({ id, weight }) => ({ id, weight })), test: row.abTest } : null,
  }));
  return { campaignId, version, firstStepId: ordered[0]?.id ?? null, steps: new Map(steps.map((step) => [step.id, step])) };
}

/** What a step is drawn by and recognised by: the same in every version that goes on with it. */
export function lineOf({ id, lineageId }: Pick<FlowStep, 'id' | 'lineageId'>): string {
  return lineageId ?? id;
}

/** Several versions as one flow, for contacts who stand in different ones. Edges never lead from one version into another. */
export function mergeFlows(flows: readonly Flow[]): Flow {
  return { ...flows[0], steps: new Map(flows.flatMap(({ steps }) => [...steps])) };
}
