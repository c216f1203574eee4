import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { LEDGER_STATUSES, type LedgerCounts } from './domain/ledger-state.js';
import { LedgerQueries } from './ledger.queries.js';
import type { PlannedEmail } from './delivery.types.js';

/** Habits change: what is older tells nothing, and fifty opens tell all there is to tell. */
const OPENS_KEPT_MS = 365 * 86_400_000;
const OPENS_PER_CONTACT = 50;

/** Whose message is asked for. */
export type Planned = Pick<PlannedEmail, 'enrollmentId' | 'entryNumber'>;

/** The book of intended emails, for those who plan and count them. */
@Injectable()
export class Ledger {
  constructor(
    private readonly queries: LedgerQueries,
    private readonly clock: Clock,
  ) {}

  /**
   * Enters the emails of enrolments that reached an email step, one row per (enrolment, step, entry) however often it is called: a contact never
   * gets one step twice (I1). Returns how many rows are new.
   */
  async plan(tx: Tx, tenantId: string, campaignId: string, stepId: string, emails: PlannedEmail[]): Promise<number> {
    if (emails.length === 0) return 0;
    return this.queries.plan(tx, tenantId, { campaignId, stepId, now: this.clock.now(), emails });
  }

  /**
   * Which of the enrolments have a message of this step already, from this or another version of it, in this entry: nobody gets one step twice because it
   * was edited. `isOpen` while it is not decided what becomes of the message.
   */
  async alreadyPlanned(
    tx: Tx,
    tenantId: string,
    step: { campaignId: string; lineageId: string },
    people: Planned[],
  ): Promise<Map<string, boolean>> {
    if (people.length === 0) return new Map();
    const found = await this.queries.ofLine(tx, tenantId, step, people);
    return new Map(found.map(({ enrollmentId, isOpen }) => [enrollmentId, isOpen]));
  }

  /** When each contact opened mail, by a person's doing, in the last year: the newest first opens of messages of any campaign, in milliseconds. */
  opensOf(tx: Tx, tenantId: string, contactIds: string[]): Promise<Map<string, number[]>> {
    return this.queries.opensOf(tx, tenantId, contactIds, new Date(this.clock.now().getTime() - OPENS_KEPT_MS), OPENS_PER_CONTACT);
  }

  /** How many rows are in which state. */
  async counts(tx: Tx, tenantId: string, campaignId: string): Promise<LedgerCounts> {
    const found = new Map((await this.queries.counts(tx, tenantId, campaignId)).map(({ status, count }) => [status, count]));
    const counts = Object.fromEntries(LEDGER_STATUSES.map((status) => [status, found.get(status) ?? 0])) as LedgerCounts;
    return { ...counts, total: [...found.values()].reduce((sum, count) => sum + count, 0) };
  }

  /** Messages with the provider at this moment: what a pause cannot stop any more (I3). */
  countInFlight(tx: Tx, tenantId: string, campaignId: string): Promise<number> {
    return this.queries.countSending(tx, tenantId, campaignId);
  }

  /** The rows of enrolments that were held on purpose and may go on: due now, not at their next look. */
  hasten(tx: Tx, tenantId: string, enrollmentIds: string[]): Promise<number> {
    return this.queries.hasten(tx, tenantId, enrollmentIds, this.clock.now());
  }
}
