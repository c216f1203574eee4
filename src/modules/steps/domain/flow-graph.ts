import { ruleStepIds, usesEngagement } from './rule-steps.js';
import { splitEdges, splitRules, type PlacedEdge, type PlacedRule } from './split.js';
import { stepLabel, type CampaignStep, type StepType } from './step.js';

export type FlowStepRow = Pick<
  CampaignStep,
  | 'id'
  | 'stepOrder'
  | 'stepName'
  | 'stepType'
  | 'nextStepId'
  | 'isEnd'
  | 'trueNextStepId'
  | 'falseNextStepId'
  | 'conditionRules'
  | 'splitConfig'
  | 'actionConfig'
>;

/** Where a contact goes from a step; null ends the flow. `next` for email, wait and action, two branches for a condition, `branches` for a split. */
export interface FlowEdges {
  next: string | null;
  trueNext: string | null;
  falseNext: string | null;
  /** Of a split, in order; the way of `else` last. */
  branches: (string | null)[];
}

/** A fault (`error`) or something odd (`warning`) in a flow. `path` names the step by its place in the list, from 0. */
export interface FlowFinding {
  severity: 'error' | 'warning';
  code: string;
  message: string;
  path: string;
  stepId?: string;
}

/** Steps with two ways out: a condition (holds or not; or it is split), and `wait_for` (it has happened, or the time is up). */
export function isForked(type: StepType): boolean {
  return type === 'condition' || type === 'wait_for';
}

const NOWHERE: FlowEdges = { next: null, trueNext: null, falseNext: null, branches: [] };

export function inOrder<T extends { stepOrder: number }>(steps: readonly T[]): T[] {
  return [...steps].sort((a, b) => a.stepOrder - b.stepOrder);
}

/**
 * The edges of a flow: explicit `nextStepId`, else the next in order; none behind `isEnd`, the last step or an `exit` action. A condition's
 * missing branch ends the flow, and nothing falls through from one branch into the other.
 */
export function resolveEdges(steps: readonly FlowStepRow[]): Map<string, FlowEdges> {
  const ordered = inOrder(steps);
  return new Map(
    ordered.map((step, index) => {
      if (isForked(step.stepType)) {
        const branches = splitEdges(step.splitConfig).map(({ target }) => target);
        return [step.id, { next: null, trueNext: step.trueNextStepId, falseNext: step.falseNextStepId, branches }];
      }
      if (step.isEnd || step.actionConfig?.type === 'exit') return [step.id, NOWHERE];
      return [step.id, { ...NOWHERE, next: step.nextStepId ?? ordered[index + 1]?.id ?? null }];
    }),
  );
}

/** What must never be saved: edges to steps that are not there, loops, rules about steps that are not there. */
export function structuralFindings(steps: readonly FlowStepRow[]): FlowFinding[] {
  const ordered = inOrder(steps);
  const dangling = ordered.flatMap((step, index) => [...danglingEdges(step, index, ordered), ...danglingRules(step, index, ordered)]);
  return [...dangling, ...loops(ordered)];
}

/** Everything worth saying about a flow before it is launched. A broadcast without an email is a mistake, a drip may be all actions. */
export function flowFindings(steps: readonly FlowStepRow[], { requireEmail }: { requireEmail: boolean }): FlowFinding[] {
  if (steps.length === 0) {
    return [{ severity: 'error', code: 'no_steps', message: 'The campaign has no steps: add at least one email step.', path: 'steps' }];
  }
  const structural = structuralFindings(steps);
  const ordered = inOrder(steps);
  const findings = [...structural, ...missingEmail(ordered, requireEmail)];
  return structural.length > 0 ? findings : [...findings, ...unreachable(ordered), ...oddConditions(ordered)];
}

function danglingEdges(step: FlowStepRow, index: number, steps: FlowStepRow[]): FlowFinding[] {
  const known = new Set(steps.map(({ id }) => id));
  return edgesOfRow(step).flatMap(({ path: field, target }): FlowFinding[] => {
    const path = `steps[${index}].${field}`;
    if (target === null) return [];
    if (target === step.id) {
      return [{ severity: 'error', code: 'self_loop', path, stepId: step.id, message: `${capital(stepLabel(step))} leads to itself.` }];
    }
    if (known.has(target)) return [];
    const message = `${capital(stepLabel(step))} leads to a step that is not in this campaign.`;
    return [{ severity: 'error', code: 'dangling_branch', path, stepId: step.id, message }];
  });
}

function danglingRules(step: FlowStepRow, index: number, steps: FlowStepRow[]): FlowFinding[] {
  const types = new Map(steps.map(({ id, stepType }) => [id, stepType]));
  return rulesOfRow(step).flatMap(({ path, rule }) =>
    ruleStepIds(rule)
      .filter((id) => types.get(id) !== 'email')
      .map(() => ({
        severity: 'error' as const,
        code: 'rule_step_unknown',
        path: `steps[${index}].${path}`,
        stepId: step.id,
        message: `${capital(stepLabel(step))} asks about a step that is not an email step of this campaign.`,
      })),
  );
}

/** One finding per loop. Loops of one step are reported as `self_loop` where the edge stands. */
function loops(steps: FlowStepRow[]): FlowFinding[] {
  const edges = resolveEdges(steps);
  const byId = new Map(steps.map((step, index) => [step.id, { step, index }]));
  const state = new Map<string, 'open' | 'done'>();
  const findings: FlowFinding[] = [];
  for (const { id } of steps) walk(id, []);
  return findings;

  function walk(id: string, trail: string[]): void {
    if (state.get(id) === 'open') {
      const loop = trail.slice(trail.indexOf(id));
      if (loop.length > 1) findings.push(loopFinding(loop));
      return;
    }
    if (state.has(id)) return;
    state.set(id, 'open');
    for (const target of targetsOf(edges.get(id))) if (byId.has(target)) walk(target, [...trail, id]);
    state.set(id, 'done');
  }

  function loopFinding(loop: string[]): FlowFinding {
    const names = [...loop, loop[0]].map((id) => stepLabel(byId.get(id)!.step)).join(' → ');
    const { index } = byId.get(loop.at(-1)!)!;
    const message = `The flow runs in a circle: ${names}. A contact would never leave it.`;
    return { severity: 'error', code: 'cycle', path: `steps[${index}]`, stepId: loop.at(-1), message };
  }
}

function missingEmail(steps: FlowStepRow[], requireEmail: boolean): FlowFinding[] {
  if (steps.some(({ stepType }) => stepType === 'email')) return [];
  const message = 'No step sends an email.';
  return [{ severity: requireEmail ? 'error' : 'warning', code: 'no_email_step', message, path: 'steps' }];
}

function unreachable(steps: FlowStepRow[]): FlowFinding[] {
  const edges = resolveEdges(steps);
  const reached = new Set<string>();
  const todo = [steps[0].id];
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    todo.push(...targetsOf(edges.get(id)));
  }
  return steps.flatMap((step, index): FlowFinding[] => {
    if (reached.has(step.id)) return [];
    const message = `Nothing leads to ${stepLabel(step)}: nobody will get there.`;
    return [{ severity: 'warning', code: 'unreachable_step', path: `steps[${index}]`, stepId: step.id, message }];
  });
}

function oddConditions(steps: FlowStepRow[]): FlowFinding[] {
  const edges = resolveEdges(steps);
  return steps.flatMap((step, index): FlowFinding[] => {
    if (step.stepType !== 'condition') return [];
    const at = { severity: 'warning', path: `steps[${index}]`, stepId: step.id } as const;
    if (targetsOf(edges.get(step.id)).length === 0) {
      return [{ ...at, code: 'condition_without_branches', message: `${capital(stepLabel(step))} ends the flow whatever the answer is.` }];
    }
    if (!rulesOfRow(step).some(({ rule }) => usesEngagement(rule)) || !followsEmailAtOnce(step.id, steps, edges)) return [];
    const message = `${capital(stepLabel(step))} asks for an open, click or reply right after the email: put a wait before it, or the answer is nearly always no.`;
    return [{ ...at, code: 'immediate_engagement_condition', message }];
  });
}

/** Walks back from a step over conditions and actions, which take no time, and stops at waits. */
function followsEmailAtOnce(id: string, steps: FlowStepRow[], edges: Map<string, FlowEdges>, seen = new Set<string>()): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  return steps
    .filter((step) => targetsOf(edges.get(step.id)).includes(id))
    .some(
      (step) =>
        step.stepType === 'email' ||
        (step.stepType !== 'wait' && step.stepType !== 'wait_for' && followsEmailAtOnce(step.id, steps, edges, seen)),
    );
}

function targetsOf(edges: FlowEdges | undefined): string[] {
  if (!edges) return [];
  return [edges.next, edges.trueNext, edges.falseNext, ...edges.branches].filter((id) => id !== null);
}

/** Every edge that a step names, with its place in the step. */
export function edgesOfRow(step: Pick<FlowStepRow, 'nextStepId' | 'trueNextStepId' | 'falseNextStepId' | 'splitConfig'>): PlacedEdge[] {
  const own = (['nextStepId', 'trueNextStepId', 'falseNextStepId'] as const).map((path) => ({ path, target: step[path] }));
  return [...own, ...splitEdges(step.splitConfig)];
}

/** Every rule of a step, with its place in the step. */
export function rulesOfRow({ conditionRules, splitConfig }: Pick<FlowStepRow, 'conditionRules' | 'splitConfig'>): PlacedRule[] {
  return [...(conditionRules === null ? [] : [{ path: 'conditionRules', rule: conditionRules }]), ...splitRules(splitConfig)];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
