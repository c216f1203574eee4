import { Injectable } from '@nestjs/common';
import type { FlowStep } from '../steps/index.js';
import { Waits } from '../triggers/index.js';
import { passWaitFor, waitingSince } from './domain/passing.js';
import type { Traveller } from './domain/walk.js';
import { StepConditions } from './step-conditions.js';
import type { StepRun } from './step-run.js';

/**
 * A step that waits for an event or a condition, at most so long. Looked at when somebody arrives, whenever what it waits for may have happened
 * (the due time is then moved), and when the time is up: so what came in time counts, even if nobody was woken for it.
 */
@Injectable()
export class WaitForHandler {
  constructor(
    private readonly waits: Waits,
    private readonly conditions: StepConditions,
  ) {}

  async handle(run: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    const met = await this.met(run, step, group);
    passWaitFor(run, step, group, ({ enrollment }) => met.has(enrollment.id));
  }

  private async met(run: StepRun, step: FlowStep, group: Traveller[]): Promise<Set<string>> {
    if (step.event === null) return new Set((await this.conditions.firstHolding(run, [step.rules!], group)).keys());
    const waiting = group.map((traveller) => ({
      enrollmentId: traveller.enrollment.id,
      contactId: traveller.enrollment.contactId,
      since: waitingSince(traveller),
    }));
    return this.waits.haveSeen(run.tx, run.tenantId, step.event, waiting, run.now);
  }
}
