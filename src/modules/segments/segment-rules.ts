import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { Problem } from '../../shared/domain-error.js';
import { RULE_LIMITS, segmentReferences, type Rule } from './domain/rule.js';
import { compileRule, type CompileOptions } from './domain/rule-compiler.js';
import { checkSegmentGraph, type SegmentDefinition, type SegmentDefinitions } from './domain/segment-graph.js';
import type { SqlFragment } from './domain/sql-fragment.js';
import { RuleNotUsableError } from './segments.errors.js';
import { SegmentsQueries, type SegmentDefinitionRow } from './segments.queries.js';

/** Rules together with the saved segments they refer to. */
@Injectable()
export class SegmentRules {
  constructor(private readonly queries: SegmentsQueries) {}

  /** The segments that these rules refer to, directly or not. `RuleNotUsableError` where one is missing or the rules grow too large. */
  async definitionsOf(tx: Tx, tenantId: string, rules: readonly Rule[]): Promise<SegmentDefinitions> {
    const rule: Rule = { all: [...rules] };
    const definitions = toDefinitions(await this.load(tx, tenantId, rule));
    const problems = rules.flatMap((one) => checkSegmentGraph(one, definitions, { limit: RULE_LIMITS.compiledNodes }));
    if (problems.length > 0) throw new RuleNotUsableError(problems);
    return definitions;
  }

  async compile(tx: Tx, tenantId: string, rule: Rule, options: CompileOptions): Promise<SqlFragment> {
    const definitions = toDefinitions(await this.load(tx, tenantId, rule));
    const problems = checkSegmentGraph(rule, definitions, { limit: RULE_LIMITS.compiledNodes });
    if (problems.length > 0) throw new RuleNotUsableError(problems);
    return compileRule(rule, definitions, options);
  }

  /** What stands against saving a new rule. Its segments cannot be deleted until `tx` ends. */
  async referenceProblems(tx: Tx, tenantId: string, rule: Rule, path: string): Promise<Problem[]> {
    const ids = segmentIds(rule);
    if (ids.length > 0) await this.queries.shareReferred(tx, tenantId, ids);
    return checkSegmentGraph(rule, toDefinitions(await this.load(tx, tenantId, rule)), { path });
  }

  /**
   * What stands against giving the saved segment `self` this rule: the same, and that a segment which refers to it (through others too) would become
   * part of itself or too large. Needs `lockRules`.
   */
  async changeProblems(tx: Tx, tenantId: string, self: string, rule: Rule): Promise<Problem[]> {
    const ids = segmentIds(rule);
    if (ids.length > 0) await this.queries.shareReferred(tx, tenantId, ids);
    const saved = await this.queries.reachable(tx, tenantId, ids, true);
    const definitions = toDefinitions(saved);
    definitions.set(self, { type: 'dynamic', rules: rule });
    const problems = checkSegmentGraph(rule, definitions, { self });
    if (problems.length > 0) return problems;
    for (const other of referringTo(self, saved)) {
      const [problem] = checkSegmentGraph(other.rules!, definitions, { self: other.id });
      if (problem) return [{ path: 'rules', message: `cannot be used: the segment "${other.name}" refers to this one and ${problem.message}`, code: problem.code }]; // prettier-ignore
    }
    return [];
  }

  private async load(tx: Tx, tenantId: string, rule: Rule): Promise<SegmentDefinitionRow[]> {
    const ids = segmentIds(rule);
    return ids.length > 0 ? this.queries.reachable(tx, tenantId, ids, false) : [];
  }
}

function segmentIds(rule: Rule): string[] {
  return [...new Set(segmentReferences(rule).map(({ id }) => id))];
}

function toDefinitions(saved: SegmentDefinitionRow[]): Map<string, SegmentDefinition> {
  return new Map(saved.map(({ id, rules }) => [id, rules ? { type: 'dynamic', rules } : { type: 'static' }]));
}

/** The segments that refer to `id`, directly or through others. */
function referringTo(id: string, saved: SegmentDefinitionRow[]): SegmentDefinitionRow[] {
  const reaching = new Set([id]);
  for (let known = 0; known < reaching.size;) {
    known = reaching.size;
    for (const { id: other, rules } of saved)
      if (rules && segmentIds(rules).some((reference) => reaching.has(reference))) reaching.add(other);
  }
  return saved.filter((other) => other.id !== id && reaching.has(other.id));
}
