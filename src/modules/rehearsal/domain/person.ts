import type { DueEnrollment } from '../../enrollment/index.js';
import type { ContactFacts, EmailFacts } from '../../segments/index.js';
import type { ActionConfig } from '../../steps/index.js';
import type { LoadedPerson } from './plan.js';

/** `not_sent`: the message had not gone out when the rehearsal ended, or waited for the winner of a test until the person left. */
export const WHAT = ['sent', 'skipped', 'not_sent', 'waited', 'waiting', 'decided', 'done'] as const;
export type What = (typeof WHAT)[number];

/** One stay at one step. */
export interface Visit {
  stepId: string;
  at: Date;
  what: What;
  /** When the person went on; null for those who did not. */
  leftAt: Date | null;
  /** The branch taken, the reason, the variant. */
  detail: string | null;
  /** To the message of this step. */
  reactions: Reaction[];
}

/** Something the person does: opens, clicks, replies …, or a custom event by its name. */
export interface Reaction {
  type: string;
  at: Date;
}

export interface End {
  /** `completed`, or the reason of an exit. */
  reason: string;
  at: Date;
}

/** A message that waits to go out. */
export interface PendingMail {
  stepId: string;
  variantId: string | null;
  dueAt: Date;
  /** What has kept it back so far. */
  heldBy: Set<string>;
}

/** A message that went out. */
export interface SentMail extends Mutable<EmailFacts> {
  variantId: string | null;
  sentAt: Date;
  isConverted: boolean;
  /** The stay at its step, of people who are followed. */
  visit: Visit | null;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] };

/** Bounds of a PostgreSQL integer, at which a lead score stops. */
const [LOWEST_SCORE, HIGHEST_SCORE] = [-2_147_483_648, 2_147_483_647];
const COLUMNS = ['firstName', 'lastName', 'timezone'] as const;
type Column = (typeof COLUMNS)[number];

/** A simulated contact with its enrolment. Changes nothing but itself. */
export class Person {
  readonly id: string;
  readonly facts: Mutable<ContactFacts> & { emails: SentMail[]; attributes: Record<string, unknown>; staticSegments: Set<string> };
  readonly mailTimes: Date[];
  /** Raised whenever the next due time changes: entries of the agenda with an older one are void. */
  ticket = 0;
  readonly opens: readonly number[];
  stepId: string;
  dueAt: Date | null = null;
  enteredAt: Date | null = null;
  stepsCompleted = 0;
  hasStarted = false;
  mail: PendingMail | null = null;
  end: End | null = null;
  readonly visits: Visit[] = [];
  /** Custom events caused here, of people who are followed. */
  readonly events: Reaction[] = [];

  constructor(
    readonly index: number,
    { id, facts, opens, mailTimes }: LoadedPerson,
    firstStepId: string,
    readonly isFollowed: boolean,
  ) {
    this.id = id;
    this.opens = opens;
    this.mailTimes = [...mailTimes];
    this.facts = {
      ...facts,
      attributes: { ...facts.attributes },
      tags: [...facts.tags],
      events: [...facts.events],
      staticSegments: new Set(facts.staticSegments),
      emails: [],
    };
    this.stepId = firstStepId;
  }

  /** As a claim of the engine would give it; the contact's id stands for the enrolment's. */
  claimed(): DueEnrollment {
    const { id, stepId, stepsCompleted, enteredAt } = this;
    return {
      id,
      contactId: id,
      status: this.hasStarted ? 'active' : 'enrolled',
      stepId,
      entryNumber: 1,
      stepsCompleted,
      dueAt: this.dueAt!,
      stepEnteredAt: enteredAt,
      timezone: this.facts.timezone,
    };
  }

  /** What an action does to a contact; other kinds do nothing here. */
  apply(action: ActionConfig): void {
    const { facts } = this;
    switch (action.type) {
      case 'set_attribute':
        if (COLUMNS.includes(action.attribute as Column)) facts[action.attribute as Column] = action.value as string | null;
        else if (action.value === null) delete facts.attributes[action.attribute];
        else facts.attributes[action.attribute] = action.value;
        return;
      case 'add_tag':
        if (!facts.tags.includes(action.tag.trim())) facts.tags.push(action.tag.trim());
        return;
      case 'remove_tag':
        facts.tags = facts.tags.filter((tag) => tag !== action.tag.trim());
        return;
      case 'adjust_lead_score':
        facts.leadScore = Math.max(LOWEST_SCORE, Math.min(HIGHEST_SCORE, facts.leadScore + action.by));
        return;
      case 'add_to_segment':
        facts.staticSegments.add(action.segmentId.toLowerCase());
        return;
      case 'remove_from_segment':
        facts.staticSegments.delete(action.segmentId.toLowerCase());
        return;
      case 'enroll':
      case 'exit':
      case 'webhook':
        return;
    }
  }

  /** Comes to a step. */
  arrive(stepId: string, at: Date, what: What): void {
    if (!this.isFollowed) return;
    this.leave(at);
    this.visits.push({ stepId, at, what, leftAt: null, detail: null, reactions: [] });
  }

  /** Goes on from the step, or ends there. */
  leave(at: Date): void {
    const last = this.visits.at(-1);
    if (!last || last.leftAt) return;
    last.leftAt = at;
    if (last.what === 'waiting') last.what = 'waited';
  }

  /** Says more about the present stay. */
  note(detail: string | null, what?: What): void {
    const last = this.visits.at(-1);
    if (!last) return;
    last.detail = detail;
    if (what) last.what = what;
  }
}
