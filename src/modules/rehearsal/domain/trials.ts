import { judge, placementOf, type Decision, type Placement } from '../../experiments/index.js';
import { durationMs } from '../../../shared/duration.js';
import { lineOf, type FlowStep } from '../../steps/index.js';
import type { Person } from './person.js';
import type { RehearsalPlan } from './plan.js';
import type { Tally } from './tally.js';

/** The A/B tests of the flow: the same draws and the same verdicts as in reality, over what the simulated people do. */
export class Trials {
  private readonly decisions: Map<string, Decision>;
  private readonly held = new Map<string, Set<Person>>();

  constructor(
    private readonly plan: RehearsalPlan,
    private readonly tally: Tally,
    /** Has the test looked at then. */
    private readonly lookAt: (stepId: string, at: Date) => void,
  ) {
    this.decisions = new Map([...plan.decisions].filter(([, { status }]) => status === 'decided'));
  }

  place(step: FlowStep, person: Person, now: Date): Placement {
    const experiment = step.experiment!;
    if (experiment.test && !this.decisions.has(step.id)) this.begin(step, now);
    const key = { campaignId: this.plan.campaign.id, stepId: lineOf(step), contactId: person.id };
    const placement = placementOf(experiment, this.decisions.get(step.id) ?? null, key, now);
    if ('holdUntil' in placement) this.held.get(step.id)!.add(person);
    return placement;
  }

  /** One look at a test; the people who may go on if it is decided. `isAnyQueued`: messages of the step wait for their turn. */
  look(step: FlowStep, now: Date, isAnyQueued: () => boolean): Person[] {
    const decision = this.decisions.get(step.id);
    if (decision?.status !== 'testing') return [];
    const { variants, test } = step.experiment!;
    const figures = this.tally
      .of(step.id)
      .variants.filter(({ sent }) => sent > 0)
      .map(({ name: _name, ...counts }) => ({ ...counts, delivered: counts.reached }));
    const named = variants.map(({ id }) => ({ id, name: this.plan.variantNames.get(id) ?? id }));
    const verdict = judge({ variants: named, test: test! }, decision, figures, figures.length === 0 && isAnyQueued(), now);
    if (verdict.kind === 'continue') {
      const { startedAt, nextLookAt, deadline, alphaSpent, looks } = verdict;
      Object.assign(decision, { startedAt, nextLookAt, deadline, alphaSpent, looks });
      this.lookAt(step.id, nextLookAt);
      return [];
    }
    const { outcome, winnerVariantId, reason } = verdict;
    Object.assign(decision, { status: 'decided', outcome, winnerVariantId, reason, decidedAt: now });
    this.tally.of(step.id).decision = { outcome, winnerVariantId, reason, at: now };
    const waiting = [...(this.held.get(step.id) ?? [])];
    this.held.delete(step.id);
    return waiting.filter((person) => person.end === null && person.stepId === step.id && person.dueAt !== null && person.dueAt > now);
  }

  private begin(step: FlowStep, now: Date): void {
    const { minDuration, maxDuration } = step.experiment!.test!;
    const at = (ms: number) => new Date(now.getTime() + ms);
    const nextLookAt = at(durationMs(minDuration));
    this.decisions.set(step.id, {
      tenantId: '',
      campaignId: this.plan.campaign.id,
      stepId: step.id,
      status: 'testing',
      startedAt: now,
      nextLookAt,
      deadline: at(durationMs(maxDuration)),
      alphaSpent: 0,
      looks: 0,
      outcome: null,
      winnerVariantId: null,
      reason: null,
      figures: null,
      decidedAt: null,
      decidedBy: null,
      releasedAt: null,
    });
    this.held.set(step.id, new Set());
    this.lookAt(step.id, nextLookAt);
  }
}
