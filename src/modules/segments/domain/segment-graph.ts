import type { Problem } from '../../../shared/domain-error.js';
import { RULE_LIMITS, segmentReferences, walkRule, type Rule } from './rule.js';

/** What the compiler needs to know of a saved segment. */
export type SegmentDefinition = { type: 'static' } | { type: 'dynamic'; rules: Rule };

/** By segment id in lower case. */
export type SegmentDefinitions = ReadonlyMap<string, SegmentDefinition>;

/** Answers one text for "no such segment" and "another tenant's segment", so that it tells nothing about other tenants. */
export const SEGMENT_MISSING = 'is not a segment of yours';

/**
 * What stands against writing `rule` out with all the segments it refers to: a segment that does not exist, a segment that (through others)
 * refers to itself, or more parts than one statement may hold. Each fault stands at the reference in `rule` that leads to it. `self` is the
 * segment the rule belongs to, if it is saved already; `limit` the number of parts.
 */
export function checkSegmentGraph(
  rule: Rule,
  definitions: SegmentDefinitions,
  { path = 'rules', self, limit = RULE_LIMITS.inlinedNodes }: { path?: string; self?: string; limit?: number } = {},
): Problem[] {
  const sizes = new Map<string, number>();
  const problems: Problem[] = [];
  let total = countNodes(rule);
  for (const reference of segmentReferences(rule, path)) {
    const size = inlinedSize(reference.id, definitions, sizes, new Set(self ? [self.toLowerCase()] : []));
    if (typeof size === 'number') total += size;
    else problems.push({ path: reference.path, ...size });
  }
  if (problems.length === 0 && total > limit) {
    problems.push({ path, message: `has, with the segments it refers to written out, more than ${limit} parts`, code: 'too_many_nodes' });
  }
  return problems;
}

type Fault = Omit<Problem, 'path'>;
const CYCLE: Fault = { message: 'leads, directly or through others, to a segment that is part of itself', code: 'segment_cycle' };

function inlinedSize(id: string, definitions: SegmentDefinitions, sizes: Map<string, number>, open: Set<string>): number | Fault {
  if (open.has(id)) return CYCLE;
  const known = sizes.get(id);
  if (known !== undefined) return known;
  const definition = definitions.get(id);
  if (!definition) return { message: SEGMENT_MISSING, code: 'unknown_segment' };
  let size = 0;
  if (definition.type === 'dynamic') {
    size = countNodes(definition.rules);
    open.add(id);
    for (const reference of segmentReferences(definition.rules)) {
      const inner = inlinedSize(reference.id, definitions, sizes, open);
      if (typeof inner !== 'number') return inner;
      // Sizes multiply from level to level; stopping here keeps the sum a small number.
      size = Math.min(size + inner, RULE_LIMITS.compiledNodes + 1);
    }
    open.delete(id);
  }
  sizes.set(id, size);
  return size;
}

function countNodes(rule: Rule): number {
  return [...walkRule(rule)].length;
}
