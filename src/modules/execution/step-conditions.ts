import { Injectable } from '@nestjs/common';
import { SegmentsService, type Rule, type SqlFragment } from '../segments/index.js';
import type { Traveller } from './domain/walk.js';
import { RULE_PARAMS, StepFactsQueries } from './step-facts.queries.js';
import type { StepRun } from './step-run.js';

/** Rules asked of the contacts that stand at a step: one statement for all of them. */
@Injectable()
export class StepConditions {
  constructor(
    private readonly segments: SegmentsService,
    private readonly facts: StepFactsQueries,
  ) {}

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
