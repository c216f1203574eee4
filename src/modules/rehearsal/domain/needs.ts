import type { Goal } from '../../campaigns/index.js';
import { walkRule, type LeafRule, type Rule, type SegmentDefinitions } from '../../segments/index.js';
import type { Flow } from '../../steps/index.js';

/** What the flow asks about people: nothing else of them has to be loaded. */
export interface Needs {
  /** Names of custom attributes. */
  attributes: string[];
  tags: string[];
  /** By name, how many of the newest events can matter. */
  events: Map<string, number>;
  /** Static segments, ids in lower case. */
  staticSegments: string[];
}

const BUILT_IN = new Set(['email', 'firstName', 'lastName', 'timezone', 'createdAt', 'leadScore', 'subscribed']);

/** Every rule that is asked while people go through the campaign. */
export function rulesAsked(flow: Flow, goal: Goal | null, leaveSegmentId: string | null): Rule[] {
  const ofSteps = [...flow.steps.values()].flatMap(({ rules, split }) => [
    ...(rules ? [rules] : []),
    ...(split?.type === 'rules' ? split.branches.map((branch) => branch.rules as Rule) : []),
  ]);
  const ofGoal = goal?.type === 'rule' ? [goal.rules as Rule] : [];
  return [...ofSteps, ...ofGoal, ...(leaveSegmentId === null ? [] : [{ type: 'segment' as const, segmentId: leaveSegmentId }])];
}

/** What these rules look at, with the segments they refer to, and the waits of the flow. */
export function needsOf(flow: Flow, rules: readonly Rule[], segments: SegmentDefinitions): Needs {
  const leaves = leavesOf([...rules, ...[...segments.values()].flatMap((segment) => (segment.type === 'dynamic' ? [segment.rules] : []))]);
  const waited = [...flow.steps.values()].flatMap(({ waitUntil }) => (waitUntil?.attribute === undefined ? [] : [waitUntil.attribute]));
  const asked = leaves.flatMap((leaf) => (leaf.type === 'contact_attribute' ? [leaf.attribute] : []));
  const events = new Map<string, number>();
  for (const leaf of leaves) {
    if (leaf.type === 'event') events.set(leaf.name, Math.max(events.get(leaf.name) ?? 0, leaf.atLeast ?? 1));
  }
  return {
    attributes: distinct([...asked, ...waited]).filter((name) => !BUILT_IN.has(name)),
    tags: distinct(leaves.flatMap((leaf) => (leaf.type === 'tag' ? [leaf.tag] : []))),
    events,
    staticSegments: [...segments].flatMap(([id, { type }]) => (type === 'static' ? [id] : [])),
  };
}

export function leavesOf(rules: readonly Rule[]): LeafRule[] {
  return rules.flatMap((rule) => [...walkRule(rule)].flatMap(({ rule: part }) => ('type' in part ? [part] : [])));
}

function distinct(names: string[]): string[] {
  return [...new Set(names)];
}
