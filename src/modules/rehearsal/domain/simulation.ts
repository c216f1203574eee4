import { firstDue, type EnrollmentMove } from '../../enrollment/index.js';
import { Walk, type Passing } from '../../execution/index.js';
import { evaluateRule, HIT_SETTLES_MS, type Rule } from '../../segments/index.js';
import { Agenda, type Entry } from './agenda.js';
import { drawsFor, eventAfter, fateOf, reactionsTo } from './assumptions.js';
import { MAIL_FACTS, record, type Fact } from './facts.js';
import { MailRoom } from './mail-room.js';
import { Person, type SentMail } from './person.js';
import type { LoadedPerson, RehearsalPlan } from './plan.js';
import { StepVisits } from './step-visits.js';
import { increase, Tally } from './tally.js';
import { Trials } from './trials.js';

/** As many contacts go through the flow together. */
const BATCH = 100;

type Item = Entry & { fact?: Fact; stepId?: string };

/** Why a message is not sent whose contact has left, where that is not simply because of it. */
const SKIPPED_BECAUSE: Record<string, string> = { unsubscribed: 'unsubscribed', bounced: 'suppressed', campaign_ended: 'campaign_ended' };

/**
 * The flow of a campaign on a clock of its own: from one thing that is due to the next, with the decisions of the engine (`Walk`, `pass…`), of
 * the pacer and of the A/B tests, over people in memory. Nobody is ever late here: a step acts at the moment it is due, and a message that may
 * go out is handed over at once. The same plan gives the same course, to the millisecond.
 */
export class Simulation {
  readonly tally: Tally;
  readonly people: Person[] = [];
  /** A send window that never opens kept messages back. */
  hasStuckMail = false;
  private readonly byId = new Map<string, Person>();
  private readonly firstDues = new Map<string | null, Date>();
  private readonly agenda = new Agenda<Item>();
  private readonly mailRoom: MailRoom;
  private readonly trials: Trials;
  private readonly steps: StepVisits;
  private readonly endsAt: number;

  constructor(private readonly plan: RehearsalPlan) {
    const { flow, variantNames, campaign } = plan;
    if (!flow.firstStepId) throw new Error('A flow without steps cannot be rehearsed');
    this.endsAt = campaign.endDate?.getTime() ?? Infinity;
    this.tally = new Tally(flow, variantNames);
    this.mailRoom = new MailRoom(plan);
    this.trials = new Trials(plan, this.tally, (stepId, at) =>
      this.agenda.add({ at: at.getTime(), kind: 'look', who: 0, ticket: 0, stepId }),
    );
    this.steps = new StepVisits(
      plan,
      this.tally,
      this.trials,
      ({ enrollment }) => this.byId.get(enrollment.contactId)!,
      (person, stepId, variantId, dueAt) => this.queueMail(person, { stepId, variantId, dueAt, heldBy: new Set() }),
    );
  }

  /** Goes on by about so many things; false when nothing is to come any more. */
  async run(most: number): Promise<boolean> {
    if (this.people.length < this.plan.people.length) {
      for (const loaded of this.plan.people.slice(this.people.length, this.people.length + most)) this.enrol(loaded);
      return true;
    }
    for (let done = 0; done < most;) {
      const next = this.agenda.next();
      if (!next || next.at >= this.endsAt) {
        this.close();
        return false;
      }
      const now = new Date(next.at);
      const items = this.agenda.takeTogether(BATCH);
      done += items.length;
      if (next.kind === 'due') await this.advance(items, now);
      else if (next.kind === 'mail') this.deliver(items, now);
      else if (next.kind === 'fact') for (const { who, fact } of items) this.learn(this.people[who], fact!, now);
      else for (const { stepId } of items) this.look(stepId!, now);
    }
    return true;
  }

  private enrol(loaded: LoadedPerson): void {
    const { campaign, startAt, assumptions, seed, flow, followed } = this.plan;
    const person = new Person(this.people.length, loaded, flow.firstStepId!, followed.has(loaded.id));
    this.people.push(person);
    this.byId.set(person.id, person);
    const zone = person.facts.timezone;
    if (!this.firstDues.has(zone)) this.firstDues.set(zone, firstDue(campaign, startAt, zone));
    this.wait(person, this.firstDues.get(zone)!);
    for (const event of assumptions.events) {
      const after = eventAfter(event, drawsFor(seed, person.id, 'event', event.name));
      if (after !== null) this.expect(person, startAt, after, { type: 'event', name: event.name });
    }
  }

  /** The campaign ends, for whoever is still inside, at its end date. */
  private close(): void {
    const { endDate } = this.plan.campaign;
    if (endDate) for (const person of this.people) if (!person.end) this.finish(person, 'campaign_ended', endDate);
  }

  private async advance(items: Item[], now: Date): Promise<void> {
    const due: Person[] = [];
    for (const { who, ticket } of items) {
      const person = this.people[who];
      if (person.end || person.ticket !== ticket) continue;
      if (now <= this.plan.startAt || !this.hasLeft(person, now)) due.push(person);
    }
    const claimed = due.map((person) => person.claimed());
    const walk = new Walk(this.plan.flow, claimed);
    const passing: Passing = { walk, campaignZone: this.plan.campaign.timezone, now };
    await walk.run(async (stepId, group) => this.steps.visit(passing, this.plan.flow.steps.get(stepId)!, group));
    for (const move of walk.moves) this.move(move, now);
  }

  private move(move: EnrollmentMove, now: Date): void {
    const person = this.byId.get(move.id)!;
    person.hasStarted = true;
    person.stepsCompleted = move.stepsCompleted;
    person.stepId = move.stepId ?? person.stepId;
    person.enteredAt = move.stepEnteredAt;
    if (move.status === 'active') this.wait(person, move.dueAt);
    else this.finish(person, move.status === 'completed' ? 'completed' : move.exitReason!, now);
  }

  /** Due then; null until somebody else moves the person on. */
  private wait(person: Person, dueAt: Date | null): void {
    person.dueAt = dueAt;
    person.ticket += 1;
    if (dueAt) this.agenda.add({ at: dueAt.getTime(), kind: 'due', who: person.index, ticket: person.ticket });
  }

  private queueMail(person: Person, mail: NonNullable<Person['mail']>): void {
    person.mail = mail;
    this.agenda.add({ at: mail.dueAt.getTime(), kind: 'mail', who: person.index, ticket: 0 });
  }

  private deliver(items: Item[], now: Date): void {
    const due = items.map(({ who }) => this.people[who]).filter(({ mail }) => mail?.dueAt.getTime() === now.getTime());
    const { sent, skipped, deferred, stuck } = this.mailRoom.sort(due, now);
    for (const { person, at, by } of deferred) {
      const mail = person.mail!;
      if (!mail.heldBy.has(by)) increase(this.tally.of(mail.stepId).deferred, by);
      mail.heldBy.add(by);
      this.queueMail(person, { ...mail, dueAt: at });
    }
    for (const person of skipped) this.skip(person, 'frequency_cap', now);
    for (const person of sent) this.send(person, now);
    if (stuck.length > 0) this.hasStuckMail = true;
  }

  private skip(person: Person, reason: string, now: Date): void {
    this.tally.skip(person.mail!.stepId, reason);
    person.note(reason, 'skipped');
    person.mail = null;
    this.leaveEmail(person, now);
  }

  private send(person: Person, now: Date): void {
    const { stepId, variantId } = person.mail!;
    const never = { firstOpenedAt: null, firstHumanOpenedAt: null, firstClickedAt: null, firstHumanClickedAt: null, repliedAt: null };
    const visit = person.visits.at(-1) ?? null;
    const mail: SentMail = { ...never, stepId, variantId, sentAt: now, events: [], isConverted: false, visit };
    person.mail = null;
    person.facts.emails.push(mail);
    person.mailTimes.push(now);
    person.note(this.tally.sent(stepId, variantId, now), 'sent');
    const { assumptions, seed, campaign } = this.plan;
    const fate = fateOf(reactionsTo(assumptions, stepId, variantId), drawsFor(seed, person.id, stepId));
    if (!campaign.trackOpens) fate.opened = null;
    if (!campaign.trackClicks) fate.clicked = null;
    for (const type of MAIL_FACTS) {
      const after = fate[type];
      if (after !== null) this.expect(person, now, after, { type, mail });
    }
    this.leaveEmail(person, now);
  }

  /** As the ledger moves contacts on: due at the next step at the moment of sending, or through. */
  private leaveEmail(person: Person, now: Date): void {
    const { next } = this.plan.flow.steps.get(person.stepId)!;
    person.stepsCompleted += 1;
    person.enteredAt = null;
    if (next === null) return this.finish(person, 'completed', now);
    person.stepId = next;
    this.wait(person, now);
  }

  private expect(person: Person, from: Date, afterMs: number, fact: Fact): void {
    this.agenda.add({ at: from.getTime() + afterMs, kind: 'fact', who: person.index, ticket: 0, fact });
  }

  /** The person has done something, or something has come back about them. */
  private learn(person: Person, fact: Fact, now: Date): void {
    record(fact, person, this.tally, this.plan.flow, now);
    if (!person.end) this.conclude(person, fact, now);
    if (!person.end && !this.hasLeft(person, now)) this.wake(person, fact, now);
  }

  /** What a fact means for the person's way: some end it. */
  private conclude(person: Person, fact: Fact, now: Date): void {
    const { category, exitOnReply, goal } = this.plan.campaign;
    if (fact.type === 'event' && goal?.type === 'event' && goal.name === fact.name) this.finish(person, 'goal', now);
    if (fact.type === 'replied' && exitOnReply) this.finish(person, 'replied', now);
    if (fact.type === 'bounced') this.finish(person, 'bounced', now);
    if (fact.type === 'unsubscribed' && category === 'marketing') this.finish(person, 'unsubscribed', now);
  }

  /** Whoever waits for something is looked at again when it may have happened: opens and clicks once it is settled that a person made them. */
  private wake(person: Person, fact: Fact, now: Date): void {
    const step = this.plan.flow.steps.get(person.stepId)!;
    if (step.type !== 'wait_for' || !person.enteredAt || !person.dueAt) return;
    const isEvent = fact.type === 'event';
    if (step.event ? !isEvent || step.event.name !== fact.name : fact.type === 'unsubscribed') return;
    const at = isEvent ? now : new Date(now.getTime() + HIT_SETTLES_MS);
    if (at < person.dueAt) this.wait(person, at);
  }

  /** Whether the goal is reached or the segment left; then the way of the person ends. */
  private hasLeft(person: Person, now: Date): boolean {
    const { campaign, leaveSegmentId, segments } = this.plan;
    const { facts } = person;
    if (campaign.goal?.type === 'rule' && evaluateRule(campaign.goal.rules as Rule, facts, segments, now)) {
      this.finish(person, 'goal', now);
    } else if (leaveSegmentId !== null && !evaluateRule({ type: 'segment', segmentId: leaveSegmentId }, facts, segments, now)) {
      this.finish(person, 'left_segment', now);
    }
    return person.end !== null;
  }

  private look(stepId: string, now: Date): void {
    const step = this.plan.flow.steps.get(stepId)!;
    const isAnyQueued = () => this.people.some(({ mail }) => mail?.stepId === stepId);
    for (const person of this.trials.look(step, now, isAnyQueued)) this.wait(person, now);
  }

  private finish(person: Person, reason: string, at: Date): void {
    person.end = { reason, at };
    person.dueAt = null;
    if (person.mail) {
      const because = SKIPPED_BECAUSE[reason] ?? 'enrollment_ended';
      this.tally.skip(person.mail.stepId, because);
      person.note(because, 'skipped');
      person.mail = null;
    }
    person.leave(at);
  }
}
