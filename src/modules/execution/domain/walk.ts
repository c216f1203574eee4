import type { DueEnrollment, EnrollmentMove } from '../../enrollment/index.js';
import type { Flow } from '../../steps/index.js';

/** A claimed contact on its way through the flow in this run. */
export interface Traveller {
  readonly enrollment: DueEnrollment;
  /** The contact's own time: its due time, moved on by waits. What it does next counts from here, not from the worker's clock. */
  at: Date;
  /** Set on arrival at the step it was claimed on, if it had begun that step before. */
  enteredAt: Date | null;
  stepsCompleted: number;
  /** What was decided about it in this run; see `note`. */
  trace?: string;
}

/** Adds a mark (`mark` of `shared/trace.ts`) to what is remembered of a contact's way. */
export function note(traveller: Traveller, decision: string): void {
  traveller.trace = traveller.trace === undefined ? decision : traveller.trace + decision;
}

/**
 * One run of a claimed batch through a flow, in memory: who stands at which step, and where each contact ends up. Steps are visited in
 * topological order, so that paths which join are handled as one group and every step at most once; a run is therefore bounded by the number
 * of steps.
 */
export class Walk {
  readonly moves: EnrollmentMove[] = [];
  private readonly waiting = new Map<string, Traveller[]>();

  constructor(
    private readonly flow: Flow,
    claimed: DueEnrollment[],
  ) {
    for (const enrollment of claimed) {
      this.arrive(enrollment.stepId, {
        enrollment,
        at: enrollment.dueAt,
        enteredAt: enrollment.stepEnteredAt,
        stepsCompleted: enrollment.stepsCompleted,
      });
    }
  }

  /** Calls `visit` for every step somebody stands at, until nobody does. */
  async run(visit: (stepId: string, group: Traveller[]) => Promise<void>): Promise<void> {
    for (const stepId of topologicalOrder(this.flow)) {
      const group = this.waiting.get(stepId);
      if (!group) continue;
      this.waiting.delete(stepId);
      await visit(stepId, group);
    }
    if (this.waiting.size > 0)
      throw new Error(`The flow of campaign ${this.flow.campaignId} has no step ${[...this.waiting.keys()].join(', ')}`);
  }

  /** The step is done; on to the next one, or to the end where there is none. */
  goOn(travellers: Traveller[], nextStepId: string | null, currentStepId: string): void {
    for (const traveller of travellers) {
      traveller.stepsCompleted += 1;
      traveller.enteredAt = null;
      if (nextStepId) this.arrive(nextStepId, traveller);
      else this.end(traveller, currentStepId, 'completed', null);
    }
  }

  /** The contact stays on this step until `dueAt`, or until somebody else moves it (null). */
  stay(traveller: Traveller, stepId: string, dueAt: Date | null): void {
    this.moves.push({
      id: traveller.enrollment.id,
      status: 'active',
      stepId,
      stepsCompleted: traveller.stepsCompleted,
      dueAt,
      stepEnteredAt: traveller.enteredAt ?? traveller.at,
      exitReason: null,
      trace: traveller.trace,
    });
  }

  exit(travellers: Traveller[], stepId: string, reason: string): void {
    for (const traveller of travellers) {
      traveller.stepsCompleted += 1;
      this.end(traveller, stepId, 'exited', reason);
    }
  }

  private end(traveller: Traveller, stepId: string, status: 'completed' | 'exited', exitReason: string | null): void {
    const { enrollment, stepsCompleted, trace } = traveller;
    this.moves.push({ id: enrollment.id, status, stepId, stepsCompleted, dueAt: null, stepEnteredAt: null, exitReason, trace });
  }

  private arrive(stepId: string, traveller: Traveller): void {
    const group = this.waiting.get(stepId);
    if (group) group.push(traveller);
    else this.waiting.set(stepId, [traveller]);
  }
}

const orders = new WeakMap<Flow, string[]>();

/** Every step after all steps that lead to it. The flow has no cycle: saving and launching refuse one. */
export function topologicalOrder(flow: Flow): string[] {
  const known = orders.get(flow);
  if (known) return known;
  const order: string[] = [];
  const done = new Set<string>();
  const visit = (id: string): void => {
    if (done.has(id)) return;
    done.add(id);
    const step = flow.steps.get(id);
    if (!step) return;
    for (const next of [step.next, step.trueNext, step.falseNext, ...step.branches]) if (next) visit(next);
    order.push(id);
  };
  for (const id of flow.steps.keys()) visit(id);
  order.reverse();
  orders.set(flow, order);
  return order;
}
