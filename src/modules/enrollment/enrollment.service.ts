import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { EnrollmentEngineQueries } from './enrollment-engine.queries.js';
import type { DueEnrollment, EmailStepResult, EnrollmentMove, EnrollmentSelection } from './enrollment.types.js';

/** How many enrolments one statement ends: an exit of a whole campaign goes in pieces, so that no lock is held for long. */
const EXIT_CHUNK = 10_000;

/** Attempts at one step before an enrolment counts as failed, and how long to wait between them. */
const MAX_ATTEMPTS = 5;
const RETRY_AFTER_MS = 60_000;

/**
 * What the engine, delivery and others do to enrolments, always inside the caller's transaction. Every method is set-based and safe to
 * repeat: terminal enrolments never change again.
 */
@Injectable()
export class EnrollmentService {
  constructor(private readonly queries: EnrollmentEngineQueries) {}

  /** See `EnrollmentEngineQueries.claimDue`. */
  claimDue(tx: Tx, tenantId: string, campaignId: string, now: Date, limit: number, ids: string[] | null = null): Promise<DueEnrollment[]> {
    return this.queries.claimDue(tx, tenantId, campaignId, now, limit, ids);
  }

  /** Writes the outcome of an advance; call in the transaction that holds the claim. */
  applyMoves(tx: Tx, tenantId: string, now: Date, moves: EnrollmentMove[]): Promise<number> {
    return this.queries.applyMoves(tx, tenantId, now, moves);
  }

  /** The contact could not be advanced: tried again with growing distance, failed after the fifth time. */
  recordFailure(tx: Tx, tenantId: string, enrollmentId: string, error: string, now: Date): Promise<number> {
    const failure = { id: enrollmentId, error: error.slice(0, 1_000), retryAfterMs: RETRY_AFTER_MS, maxAttempts: MAX_ATTEMPTS, now };
    return this.queries.recordFailure(tx, tenantId, failure);
  }

  /**
   * Moves contacts off the email step they are parked on, in the transaction that settles their ledger rows. `sent` and `skipped` lead to the
   * next step, due at `at`, or complete the enrolment; conditional on step and entry, so a late or repeated result changes nothing.
   *
   * @returns how many enrolments moved
   */
  async leaveEmailStep(tx: Tx, tenantId: string, results: EmailStepResult[]): Promise<number> {
    if (results.length === 0) return 0;
    return this.queries.leaveEmailStep(tx, tenantId, results);
  }

  /**
   * Ends every live enrolment of the selection (of a campaign, of contacts, or single ones) with a reason. Mail already planned for them is
   * stopped by the gate. With a campaign alone this may be many rows: pass `limit` to go in pieces, and repeat until it returns 0.
   */
  async exit(tx: Tx, tenantId: string, selection: EnrollmentSelection, reason: string, at: Date, limit = EXIT_CHUNK): Promise<number> {
    const { campaignId = null, contactIds = null, enrollmentIds = null, marketingOnly = false } = selection;
    if (!campaignId && !contactIds && !enrollmentIds) throw new Error('exit needs a campaign, contacts or enrolments');
    if (contactIds?.length === 0 || enrollmentIds?.length === 0) return 0;
    return this.queries.exit(tx, tenantId, { campaignId, contactIds, enrollmentIds, marketingOnly, limit }, reason, at);
  }

  /** See `EnrollmentEngineQueries.letGo`; repeat until it returns less than `limit`. */
  letGo(tx: Tx, tenantId: string, waiting: { campaignId: string; stepId: string; now: Date; limit: number }): Promise<number> {
    return this.queries.letGo(tx, tenantId, waiting);
  }

  /** Part of erasing a contact. */
  forgetTraces(tx: Tx, tenantId: string, contactId: string): Promise<number> {
    return this.queries.forgetTraces(tx, tenantId, contactId);
  }

  nextDueAt(tx: Tx, tenantId: string, campaignId: string): Promise<Date | null> {
    return this.queries.nextDueAt(tx, tenantId, campaignId);
  }

  shiftDueTimes(tx: Tx, tenantId: string, campaignId: string, byMs: number): Promise<number> {
    return this.queries.shiftDueTimes(tx, tenantId, campaignId, byMs);
  }
}
