import {
  bestMessageTime,
  branchByLot,
  passCondition,
  passWait,
  passWaitFor,
  waitingSince,
  type Passing,
  type Traveller,
} from '../../execution/index.js';
import { evaluateRule, type Rule } from '../../segments/index.js';
import { lineOf, type FlowStep } from '../../steps/index.js';
import type { Person, What } from './person.js';
import type { RehearsalPlan } from './plan.js';
import type { Tally } from './tally.js';
import type { Trials } from './trials.js';

const ON_ARRIVAL: Record<FlowStep['type'], What> = {
  email: 'not_sent',
  wait: 'waiting',
  wait_for: 'waiting',
  condition: 'decided',
  action: 'done',
};
const [HAPPENED, TIME_UP] = [0, 1];

/** What the steps do with a group of simulated people: the counterpart of the engine's handlers, with the same decisions. */
export class StepVisits {
  constructor(
    private readonly plan: RehearsalPlan,
    private readonly tally: Tally,
    private readonly trials: Trials,
    private readonly personOf: (traveller: Traveller) => Person,
    private readonly planMail: (person: Person, stepId: string, variantId: string | null, dueAt: Date) => void,
  ) {}

  visit(passing: Passing, step: FlowStep, group: Traveller[]): void {
    for (const traveller of group) if (!traveller.enteredAt) this.arrive(step, traveller, passing.now);
    switch (step.type) {
      case 'email':
        return this.email(passing, step, group);
      case 'wait':
        return this.wait(passing, step, group);
      case 'wait_for':
        return this.waitFor(passing, step, group);
      case 'condition':
        return this.condition(passing, step, group);
      case 'action':
        return this.action(passing, step, group);
    }
  }

  private arrive(step: FlowStep, traveller: Traveller, now: Date): void {
    this.tally.of(step.id).entered += 1;
    if (step.type !== 'email') this.tally.stamp(step.id, now);
    this.personOf(traveller).arrive(step.id, now, ON_ARRIVAL[step.type]);
  }

  private email({ walk, now, campaignZone }: Passing, step: FlowStep, group: Traveller[]): void {
    const isOptimized = this.plan.campaign.sendStrategy === 'optimized';
    for (const traveller of group) {
      const person = this.personOf(traveller);
      const placement = step.experiment ? this.trials.place(step, person, now) : { variantId: null };
      if ('holdUntil' in placement) {
        walk.stay(traveller, step.id, placement.holdUntil);
        continue;
      }
      const dueAt = isOptimized ? bestMessageTime(traveller, now, campaignZone, person.opens) : traveller.at;
      this.planMail(person, step.id, placement.variantId, dueAt);
      walk.stay(traveller, step.id, null);
    }
  }

  private wait(passing: Passing, step: FlowStep, group: Traveller[]): void {
    const attribute = step.waitUntil?.attribute;
    if (attribute === undefined) return passWait(passing, step, group, null);
    const facts = (traveller: Traveller) => this.personOf(traveller).facts;
    const dateOf = attribute === 'createdAt' ? facts : (traveller: Traveller) => facts(traveller).attributes;
    passWait(passing, step, group, (traveller) => (dateOf(traveller) as Record<string, unknown>)[attribute]);
  }

  private waitFor(passing: Passing, step: FlowStep, group: Traveller[]): void {
    const happened = new Set(group.filter((traveller) => this.hasHappened(step, traveller, passing.now)));
    const before = new Map(group.map((traveller) => [traveller, traveller.stepsCompleted]));
    passWaitFor(passing, step, group, (traveller) => happened.has(traveller));
    for (const traveller of group) {
      if (traveller.stepsCompleted > before.get(traveller)!) this.take(step, traveller, happened.has(traveller) ? HAPPENED : TIME_UP);
    }
  }

  private hasHappened(step: FlowStep, traveller: Traveller, now: Date): boolean {
    const { facts } = this.personOf(traveller);
    if (step.event === null) return this.holds(step.rules!, traveller, now);
    const since = waitingSince(traveller);
    return facts.events.some(({ name, occurredAt }) => name === step.event!.name && occurredAt >= since);
  }

  private condition({ walk, now }: Passing, step: FlowStep, group: Traveller[]): void {
    passCondition(walk, step, group, (traveller) => this.take(step, traveller, this.branchOf(step, traveller, now)));
  }

  private branchOf(step: FlowStep, traveller: Traveller, now: Date): number {
    const { split } = step;
    if (split?.type === 'random') return branchByLot(lineOf(step), split.branches, traveller.enrollment.contactId);
    const rules = split ? split.branches.map(({ rules: rule }) => rule as Rule) : [step.rules!];
    const first = rules.findIndex((rule) => this.holds(rule, traveller, now));
    return first < 0 ? rules.length : first;
  }

  private holds(rule: Rule, traveller: Traveller, now: Date): boolean {
    return evaluateRule(rule, this.personOf(traveller).facts, this.plan.segments, now);
  }

  /** Counts and shows the branch. */
  private take(step: FlowStep, traveller: Traveller, branch: number): number {
    const taken = this.tally.of(step.id).branches[branch];
    taken.count += 1;
    this.personOf(traveller).note(taken.name);
    return branch;
  }

  private action({ walk }: Passing, step: FlowStep, group: Traveller[]): void {
    const action = step.action!;
    for (const traveller of group) {
      const person = this.personOf(traveller);
      person.note(action.type);
      person.apply(action);
    }
    if (action.type === 'exit') walk.exit(group, step.id, action.reason ?? 'goal');
    else walk.goOn(group, step.next, step.id);
  }
}
