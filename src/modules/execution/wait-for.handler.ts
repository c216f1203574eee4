import { Injectable } from '@nestjs/common';
import { rememberingEndOfWaitStep } from '../../shared/wait-until.js';
import type { FlowStep } from '../steps/index.js';
import { Waits } from '../triggers/index.js';
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
    run.walk.goOn(
      group.filter(({ enrollment }) => met.has(enrollment.id)),
      step.trueNext,
      step.id,
    );
    const endOfWait = rememberingEndOfWaitStep({ duration: step.wait, until: null });
    const late: Traveller[] = [];
    for (const traveller of group) {
      if (met.has(traveller.enrollment.id)) continue;
      // The wait counts from when it began, however often it has been looked at.
      traveller.at = since(traveller);
      const until = endOfWait(traveller.at, traveller.enrollment.timezone ?? run.campaignZone);
      if (until > run.now) {
        run.walk.stay(traveller, step.id, until);
      } else {
        traveller.at = until;
        late.push(traveller);
      }
    }
    run.walk.goOn(late, step.falseNext, step.id);
  }

  private async met(run: StepRun, step: FlowStep, group: Traveller[]): Promise<Set<string>> {
    if (step.event === null) return new Set((await this.conditions.firstHolding(run, [step.rules!], group)).keys());
    const waiting = group.map((traveller) => ({
      enrollmentId: traveller.enrollment.id,
      contactId: traveller.enrollment.contactId,
      since: since(traveller),
    }));
    return this.waits.haveSeen(run.tx, run.tenantId, step.event, waiting, run.now);
  }
}

const since = ({ enteredAt, at }: Traveller): Date => enteredAt ?? at;
