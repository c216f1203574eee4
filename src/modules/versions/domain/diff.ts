import { inOrder, resolveEdges, shownAction, type CampaignStep, type FlowEdges } from '../../steps/index.js';
import { canonical, substanceOf } from './substance.js';

export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

export interface ChangedStep {
  before: CampaignStep;
  after: CampaignStep;
  changes: FieldChange[];
}

/** What makes one version another. Steps are the same where they are of one line; `unchanged` counts those with nothing to tell. */
export interface VersionDiff {
  added: CampaignStep[];
  removed: CampaignStep[];
  changed: ChangedStep[];
  unchanged: number;
}

/** The ways out as they are walked, so that a step whose next in order is another one now counts as changed. */
const WAYS = { next: 'nextStepId', trueNext: 'trueNextStepId', falseNext: 'falseNextStepId', branches: 'branches' } as const;

export function diffOf(before: readonly CampaignStep[], after: readonly CampaignStep[]): VersionDiff {
  const former = new Map(before.map((step) => [step.lineageId, step]));
  const present = new Set(after.map(({ lineageId }) => lineageId));
  const lines = new Map([...before, ...after].map(({ id, lineageId }) => [id, lineageId]));
  const edges = new Map([...resolveEdges(before), ...resolveEdges(after)]);
  const kept = inOrder(after).flatMap((step) => {
    const old = former.get(step.lineageId);
    return old ? [{ before: old, after: step, changes: changesOf(old, step, lines, edges) }] : [];
  });
  const changed = kept.filter(({ changes }) => changes.length > 0);
  return {
    added: inOrder(after).filter(({ lineageId }) => !former.has(lineageId)),
    removed: inOrder(before).filter(({ lineageId }) => !present.has(lineageId)),
    changed,
    unchanged: kept.length - changed.length,
  };
}

function changesOf(
  before: CampaignStep,
  after: CampaignStep,
  lines: ReadonlyMap<string, string>,
  edges: ReadonlyMap<string, FlowEdges>,
): FieldChange[] {
  const line = (id: string): string => lines.get(id) ?? id;
  const [was, is] = [substanceOf(before, line), substanceOf(after, line)];
  const fields = Object.keys(is).filter((field) => canonical(was[field]) !== canonical(is[field]));
  const shown = fields.map((field) => ({ field, before: shownOf(before, was, field), after: shownOf(after, is, field) }));
  const [from, to] = [edges.get(before.id)!, edges.get(after.id)!];
  const ways = (Object.keys(WAYS) as (keyof FlowEdges)[]).flatMap((way) => {
    const lineOrEnd = (target: string | null): string | null => (target === null ? null : line(target));
    const linesOf = (found: FlowEdges): unknown => (way === 'branches' ? found.branches.map(lineOrEnd) : lineOrEnd(found[way]));
    return canonical(linesOf(from)) === canonical(linesOf(to)) ? [] : [{ field: WAYS[way], before: from[way], after: to[way] }];
  });
  return [...shown, ...ways];
}

/** As the author knows it: with the ids of its own version. */
function shownOf(step: CampaignStep, substance: Record<string, unknown>, field: string): unknown {
  if (field === 'actionConfig') return step.actionConfig && shownAction(step.actionConfig);
  return field === 'variants' ? substance[field] : (step as unknown as Record<string, unknown>)[field];
}
