import { Injectable } from '@nestjs/common';
import { SegmentsService, type Rule, type SqlFragment } from '../segments/index.js';
import type { Traveller } from './domain/walk.js';
import { RULE_PARAMS, StepFactsQueries } from './step-facts.queries.js';
import type { StepRun } from './step-run.js';

/** A rule as parts of which the first that is `decides` decides it. */
function partsOf(rule: Rule): { parts: Rule[]; decides: boolean } {
  if ('all' in rule && rule.all.length > 1) return { parts: rule.all, decides: false };
  if ('any' in rule && rule.any.length > 1) return { parts: rule.any, decides: true };
  return { parts: [rule], decides: true };
}

/** Rules asked of the contacts that stand at a step: one statement for all of them. */
@Injectable()
export class StepConditions {
  constructor(
    private readonly segments: SegmentsService,
    private readonly facts: StepFactsQueries,
  ) {}

  /**
   * Whether the rule holds for each of the group; of a rule with several parts also which of them decided it: the first of `all` that does not hold, the first of
   * `any` that does. It costs nothing to know: the database looks at the parts in this order anyway.
   */
  async answers(run: StepRun, rule: Rule, group: Traveller[]): Promise<(traveller: Traveller) => { isTrue: boolean; part: number | null }> {
    const { parts, decides } = partsOf(rule);
    const asked = decides ? parts : parts.map((part): Rule => ({ not: part }));
    const found = await this.firstHolding(run, asked, group);
    return ({ enrollment }) => {
      const part = found.get(enrollment.id);
      return { isTrue: (part !== undefined) === decides, part: part === undefined || parts.length < 2 ? null : part };
    };
  }

  /** For each enrolment of the group the index of the first rule that holds; those for which none does are left out. */
  async firstHolding({ tx, tenantId, now }: StepRun, rules: readonly Rule[], group: Traveller[]): Promise<Map<string, number>> {
    const compiled: SqlFragment[] = [];
    let firstParam = RULE_PARAMS + 1;
    for (const rule of rules) {
      const options = { contactAlias: 'c', enrollmentAlias: 'cc', firstParam, tenantParam: '$1', now };
      const fragment = await this.segments.compileRule(tx, tenantId, rule, options);
      compiled.push(fragment);
      firstParam += fragment.params.length;
    }
    return this.facts.firstHolding(
      tx,
      tenantId,
      group.map(({ enrollment }) => enrollment.id),
      compiled,
    );
  }
}
