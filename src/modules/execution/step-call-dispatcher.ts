import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { Dispatch, verdictOf, type TimedAttempt } from '../../shared/outbound/index.js';
import { Random } from '../../shared/random.js';
import { StepCallSender } from './step-call-sender.js';
import { StepCallsQueries, type CallResult, type ClaimedCall } from './step-calls.queries.js';

/** Requests of this process at a time. */
const MAX_IN_FLIGHT = 64;
/** Of them for one step. */
const PER_STEP = 8;
/** Of them for steps whose last call has failed, one each: dead receivers cannot take the places of living ones. */
const MAX_FAILING = 16;
/** Far more than a request and writing its result take. */
const LEASE_SECONDS = 90;
/** What a receiver that fails has not taken for so long it will not get any more. */
const GIVE_UP_AFTER_DAYS = 5;

const GIVEN_UP = `the receiver has taken nothing for ${GIVE_UP_AFTER_DAYS} days`;

/** Makes the calls that are due; see {@link Dispatch}. */
@Injectable()
export class StepCallDispatcher {
  private readonly logger = new Logger(StepCallDispatcher.name);
  private readonly dispatch: Dispatch<ClaimedCall, CallResult>;
  /** Steps whose last call from here has failed. */
  private readonly failing = new Set<string>();

  constructor(
    private readonly db: Database,
    private readonly queries: StepCallsQueries,
    private readonly sender: StepCallSender,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly random: Random,
  ) {
    this.dispatch = new Dispatch<ClaimedCall, CallResult>(
      {
        maxInFlight: MAX_IN_FLIGHT,
        targetOf: ({ stepId }) => stepId,
        claim: (free) => this.claim(free),
        send: (call) => this.send(call),
        write: (results) => this.write(results),
      },
      this.logger,
    );
  }

  /** Starts as many due calls as there are places, without waiting for their answers. True if there may be more. */
  sendDue(): Promise<boolean> {
    return this.dispatch.sendDue();
  }

  /** Waits for everything that was started. */
  drain(): Promise<void> {
    return this.dispatch.drain();
  }

  private claim(limit: number): Promise<ClaimedCall[]> {
    const busyWithFailing = this.dispatch.underWay.filter(({ stepId }) => this.failing.has(stepId)).length;
    const request = {
      now: this.clock.now(),
      token: this.ids.uuid(),
      leaseSeconds: LEASE_SECONDS,
      limit,
      perStep: PER_STEP,
      failingLimit: Math.max(0, MAX_FAILING - busyWithFailing),
      failing: [...this.failing],
      busy: this.dispatch.busy,
    };
    return this.db.asSystem(async (tx) => ((await this.queries.anyPending(tx)) ? this.queries.claim(tx, request) : []));
  }

  private async send(call: ClaimedCall): Promise<CallResult> {
    const { contact } = call;
    if (contact === null) return this.resultOf(call, 'cancelled', { status: null, error: 'contact_erased', durationMs: 0 });
    const attempt = await this.sender.send({ ...call, contact });
    const verdict = verdictOf(attempt, call.attempts, this.random.next());
    if (verdict.kind === 'delivered') this.failing.delete(call.stepId);
    else this.failing.add(call.stepId);
    if (verdict.kind === 'retry') return this.resultOf(call, 'pending', attempt, verdict.pauseMs);
    return this.resultOf(call, verdict.kind === 'delivered' ? 'delivered' : 'failed', attempt);
  }

  private resultOf(
    { tenantId, campaignId, stepId, id, token }: ClaimedCall,
    status: CallResult['status'],
    { status: statusCode, error, durationMs }: Pick<TimedAttempt, 'status' | 'error' | 'durationMs'>,
    pauseMs = 0,
  ): CallResult {
    const at = this.clock.now();
    return { tenantId, campaignId, stepId, id, token, status, at, dueAt: new Date(at.getTime() + pauseMs), statusCode, durationMs, error };
  }

  private async write(results: CallResult[]): Promise<void> {
    const old = new Date(this.clock.now().getTime() - GIVE_UP_AFTER_DAYS * 86_400_000);
    const dead = results.filter(({ status, stepId }) => status === 'failed' && this.failing.has(stepId));
    const failed = new Map(dead.map((result) => [result.stepId, result]));
    const givenUp = await this.db.asSystem(async (tx) => {
      await this.queries.finish(tx, results);
      let count = 0;
      for (const step of failed.values()) count += await this.queries.giveUp(tx, step, old, GIVEN_UP);
      return count;
    });
    if (givenUp > 0) this.logger.warn(`${givenUp} calls of steps were given up: ${GIVEN_UP}`);
  }
}
