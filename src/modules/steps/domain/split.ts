import type { Problem } from '../../../shared/domain-error.js';

/** Bounds of a split; the API documents them. */
export const SPLIT_LIMITS = { branches: 20, branchName: 100 } as const;

/** The first branch whose rule holds; where none does, `elseNextStepId`. */
export interface RulesSplit {
  type: 'rules';
  branches: RuleBranch[];
  elseNextStepId: string | null;
}

/** A branch by lot, each with its share; the same contact always gets the same branch of the same step. */
export interface RandomSplit {
  type: 'random';
  branches: RandomBranch[];
}

/** A condition with more than two ways. A null edge ends the flow. */
export type SplitConfig = RulesSplit | RandomSplit;

export interface RuleBranch {
  name: string | null;
  /** A `Rule` of the segments module, checked before it gets here. */
  rules: unknown;
  nextStepId: string | null;
}

export interface RandomBranch {
  name: string | null;
  /** Per cent; those of all branches add up to 100. */
  weight: number;
  nextStepId: string | null;
}

export interface PlacedRule {
  /** Within the step. */
  path: string;
  rule: unknown;
}

export interface PlacedEdge {
  path: string;
  target: string | null;
}

type Loose = Record<string, unknown>;
const KEYS = { rules: ['type', 'branches', 'elseNextStepId'], random: ['type', 'branches'] } as const;
const BRANCH_KEYS = { rules: ['name', 'rules', 'nextStepId'], random: ['name', 'weight', 'nextStepId'] } as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const WHOLE = 100;
/** Weights have two decimals at most: whole numbers add up exactly. */
const FINENESS = 100;

/** What is wrong with a split in itself; its rules are checked elsewhere. Accepts anything that JSON can hold. */
export function splitProblems(config: unknown, path: string): Problem[] {
  const split = objectOf(config);
  const type = split && (split.type === 'rules' || split.type === 'random') ? split.type : null;
  if (!split || !type) return [{ path: `${path}.type`, code: 'unknown_split', message: 'The type of a split is "rules" or "random".' }];
  const problems = [...unknownFields(split, KEYS[type], path), ...edgeProblem(split.elseNextStepId, `${path}.elseNextStepId`)];
  const { branches } = split;
  const fewest = type === 'rules' ? 1 : 2;
  if (!Array.isArray(branches) || branches.length < fewest || branches.length > SPLIT_LIMITS.branches) {
    const message = `A split of type "${type}" has ${fewest} to ${SPLIT_LIMITS.branches} branches.`;
    return [...problems, { path: `${path}.branches`, code: 'branches_out_of_range', message }];
  }
  problems.push(...branches.flatMap((branch, index) => branchProblems(type, branch, `${path}.branches[${index}]`)));
  return problems.length === 0 && type === 'random' ? weightsProblem(branches as RandomBranch[], `${path}.branches`) : problems;
}

function branchProblems(type: SplitConfig['type'], value: unknown, path: string): Problem[] {
  const branch = objectOf(value);
  if (!branch) return [{ path, code: 'invalid_branch', message: 'A branch is an object.' }];
  const problems = [...unknownFields(branch, BRANCH_KEYS[type], path), ...edgeProblem(branch.nextStepId, `${path}.nextStepId`)];
  const { name, weight } = branch;
  if (
    name !== undefined &&
    name !== null &&
    (typeof name !== 'string' || name.trim() === '' || [...name].length > SPLIT_LIMITS.branchName)
  ) {
    problems.push({
      path: `${path}.name`,
      code: 'invalid_text',
      message: `A name is a text of 1 to ${SPLIT_LIMITS.branchName} characters.`,
    });
  }
  if (type === 'rules' && (branch.rules === undefined || branch.rules === null)) {
    problems.push({
      path: `${path}.rules`,
      code: 'required',
      message: 'A branch needs rules; who meets none of them goes the way of elseNextStepId.',
    });
  }
  if (type === 'random' && !isWeight(weight)) {
    const message = 'A weight is a number above 0 and up to 100 (per cent), with at most two decimals.';
    problems.push({ path: `${path}.weight`, code: 'weight_out_of_range', message });
  }
  return problems;
}

function isWeight(weight: unknown): boolean {
  return typeof weight === 'number' && weight > 0 && weight <= WHOLE && Number.isInteger(parts(weight));
}

/** Hundredths of a per cent; not whole for a weight with more decimals. */
function parts(weight: number): number {
  const scaled = weight * FINENESS;
  return Math.abs(scaled - Math.round(scaled)) < 1e-6 ? Math.round(scaled) : scaled;
}

function weightsProblem(branches: readonly RandomBranch[], path: string): Problem[] {
  const sum = branches.reduce((total, { weight }) => total + parts(weight), 0);
  if (sum === WHOLE * FINENESS) return [];
  return [
    { path, code: 'weights_sum', message: `The weights of the branches must add up to 100 per cent; they add up to ${sum / FINENESS}.` },
  ];
}

/** A split without problems in the form it is stored in: nothing left out. */
export function normalisedSplit(config: SplitConfig): SplitConfig {
  const edge = (id: string | null | undefined): string | null => id?.toLowerCase() ?? null;
  if (config.type === 'rules') {
    const branches = config.branches.map(({ name, rules, nextStepId }) => ({ name: name ?? null, rules, nextStepId: edge(nextStepId) }));
    return { type: 'rules', branches, elseNextStepId: edge(config.elseNextStepId) };
  }
  const branches = config.branches.map(({ name, weight, nextStepId }) => ({ name: name ?? null, weight, nextStepId: edge(nextStepId) }));
  return { type: 'random', branches };
}

/** The same split with its edges and rules replaced. */
export function mapSplit(
  config: SplitConfig | null,
  edge: (stepId: string | null) => string | null,
  rules: (rule: unknown) => unknown,
): SplitConfig | null {
  if (config === null) return null;
  if (config.type === 'random') {
    return { ...config, branches: config.branches.map((branch) => ({ ...branch, nextStepId: edge(branch.nextStepId) })) };
  }
  const branches = config.branches.map((branch) => ({ ...branch, rules: rules(branch.rules), nextStepId: edge(branch.nextStepId) }));
  return { ...config, branches, elseNextStepId: edge(config.elseNextStepId) };
}

/** Every edge of a split in order, the one of `else` last. */
export function splitEdges(config: SplitConfig | null): PlacedEdge[] {
  if (config === null) return [];
  const branches = config.branches.map(({ nextStepId }, index) => ({
    path: `splitConfig.branches[${index}].nextStepId`,
    target: nextStepId,
  }));
  return config.type === 'rules' ? [...branches, { path: 'splitConfig.elseNextStepId', target: config.elseNextStepId }] : branches;
}

export function splitRules(config: SplitConfig | null): PlacedRule[] {
  if (config?.type !== 'rules') return [];
  return config.branches.map(({ rules: rule }, index) => ({ path: `splitConfig.branches[${index}].rules`, rule }));
}

function objectOf(value: unknown): Loose | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : null;
}

function unknownFields(object: Loose, known: readonly string[], path: string): Problem[] {
  return Object.keys(object)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: `${path}.${key}`, code: 'unknown_field', message: `There is ${known.join(', ')} only.` }));
}

function edgeProblem(edge: unknown, path: string): Problem[] {
  if (edge === undefined || edge === null || (typeof edge === 'string' && UUID.test(edge))) return [];
  return [{ path, code: 'invalid_id', message: 'A step is named by its id; null ends the flow.' }];
}
