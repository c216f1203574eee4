import type { Clock } from '../../shared/clock.js';
import { failPoint } from '../../shared/fail-point.js';
import type { Random } from '../../shared/random.js';
import type { OutgoingMessage, SendOutcome } from '../mail/index.js';
import { judge } from './domain/retry-policy.js';
import type { BreakerService } from './breaker.service.js';
import type { ClaimService } from './claim.service.js';
import { Finisher } from './finisher.js';
import type { GateService } from './gate.service.js';
import type { MessageComposer } from './message-composer.js';
import type { Outlet } from './outlet.js';
import type { Pacer } from './pacer.service.js';
import type { SettlementService } from './settlement.service.js';
import type { Turn } from './turn.js';
import type { ClaimedEmail, SendingCampaign, Settlement } from './delivery.types.js';

export interface RunParts {
  claims: ClaimService;
  composer: MessageComposer;
  gate: GateService;
  outlet: Outlet;
  settlements: SettlementService;
  clock: Clock;
  random: Random;
  pacer: Pacer;
  breaker: BreakerService;
}

interface Ready {
  email: ClaimedEmail;
  message: OutgoingMessage;
}

/** A claimed batch, rendered. `isLast`: there was nothing behind it. */
interface Batch {
  token: string;
  ready: Ready[];
  /** After this moment (performance.now()) too little of the claim's lease is left to fire. */
  fireBy: number;
  isLast: boolean;
}

/** So often a run looks at the oldest rows again: those of a worker that died have become free behind it. */
const LOOK_BACK_MS = 1_000;
/** Rendering is synchronous: after so many messages the event loop gets its turn. */
const RENDER_STRIDE = 25;

/**
 * One slice of one campaign, as a pipeline: while a batch is with the provider the next is claimed and rendered, and results are written
 * behind. The provider is only ever called between two transactions, for rows the first of them committed as `sending`.
 */
export class CampaignRun {
  private readonly finisher: Finisher;
  private readonly inFlight = new Set<Promise<void>>();
  private after: { dueAt: Date; id: string } | null = null;
  private lookedBackAt = performance.now();
  private sent = 0;
  private isStopped = false;
  private readonly largestGroup: number;
  /** What the provider said to the probe. */
  private probed: SendOutcome[] = [];
  /** Addresses the provider refused for good. */
  refused = 0;

  constructor(
    private readonly parts: RunParts,
    private readonly campaign: SendingCampaign,
    private readonly turn: Turn,
    /** Sends one message, to learn whether an account that was left alone works again. */
    private readonly isProbe = false,
  ) {
    this.largestGroup = isProbe ? 1 : parts.pacer.largestGroup(campaign, parts.outlet.accountKey, parts.clock.now());
    this.finisher = new Finisher(campaign.tenantId, parts.settlements);
  }

  /** Until nothing is due (`isEmpty`), the turn is over, or the campaign or the provider stops. `more`: only the turn is over. */
  async run(): Promise<{ sent: number; more: boolean; isEmpty: boolean }> {
    let isEmpty = false;
    let upcoming: Promise<Batch> | null = this.nextBatch();
    try {
      while (upcoming) {
        const batch: Batch = await upcoming;
        isEmpty = batch.isLast;
        upcoming = isEmpty || this.isProbe || this.isHeld() || (await this.turn.isOver()) ? null : this.nextBatch();
        // Handled when it is awaited; until then its failure must not count as unhandled.
        upcoming?.catch(() => undefined);
        await this.sendBatch(batch);
      }
    } finally {
      await Promise.all(this.inFlight);
      await this.finisher.drain();
      if (this.isProbe) await this.parts.breaker.reportProbe(this.parts.outlet.accountKey, this.probed);
    }
    return { sent: this.sent, more: !isEmpty && !this.isHeld(), isEmpty };
  }

  /** The campaign or the provider takes nothing at the moment. */
  private isHeld(): boolean {
    return this.isStopped || this.parts.outlet.isPaused;
  }

  private async nextBatch(): Promise<Batch> {
    const { claims, composer, outlet } = this.parts;
    const { tenantId } = this.campaign;
    const limit = Math.min(outlet.pace.batchSize, this.largestGroup);
    if (performance.now() - this.lookedBackAt > LOOK_BACK_MS) {
      this.after = null;
      this.lookedBackAt = performance.now();
    }
    const claim = await claims.claim(tenantId, this.campaign.campaignId, limit, this.after);
    const last = claim.emails.at(-1);
    if (last) this.after = { dueAt: last.dueAt, id: last.id };
    const batch: Batch = { token: claim.token, fireBy: claim.fireBy, isLast: claim.emails.length < limit, ready: [] };
    // Whose hour it is not needs no rendering; the gate looks again.
    const { open, held } = this.parts.pacer.byWindow(this.campaign, claim.emails, this.parts.clock.now());
    if (held.length > 0) this.finisher.add(held);
    if (open.length === 0) return batch;
    const contents = await composer.contentOf(tenantId, open.map(contentIdOf));
    const refused: Settlement[] = [];
    for (const [i, email] of open.entries()) {
      if (i % RENDER_STRIDE === RENDER_STRIDE - 1) await new Promise(setImmediate);
      const composed = composer.compose(this.campaign, email, contents.get(contentIdOf(email)));
      if ('message' in composed) batch.ready.push({ email, message: composed.message });
      else {
        const { reason, detail, isSkip } = composed.refusal;
        refused.push({ ...refOf(email), status: isSkip ? 'skipped' : 'failed', reason, detail, at: this.parts.clock.now() });
      }
    }
    if (refused.length > 0) this.finisher.add(refused);
    return batch;
  }

  private async sendBatch({ token, ready, fireBy }: Batch): Promise<void> {
    const { outlet, claims } = this.parts;
    let next = 0;
    // A batch once claimed and rendered is sent, even a little past the end of the slice: giving it back would waste both.
    while (next < ready.length && !this.isHeld() && performance.now() < fireBy) {
      const group = ready.slice(next, next + Math.min(outlet.pace.groupSize, this.largestGroup));
      next += group.length;
      await this.room();
      const flight = this.fly(token, group).finally(() => this.inFlight.delete(flight));
      this.inFlight.add(flight);
    }
    // The next run claims these again at once instead of waiting for the lease to run out.
    if (next < ready.length)
      await claims.release(
        this.campaign.tenantId,
        token,
        ready.slice(next).map(({ email }) => email.id),
      );
  }

  private async room(): Promise<void> {
    while (this.inFlight.size >= this.parts.outlet.groupsInFlight) await Promise.race(this.inFlight);
  }

  /** Gate, provider, results of one group. Never rejects. */
  private async fly(token: string, group: Ready[]): Promise<void> {
    const { gate, outlet } = this.parts;
    const startedAt = performance.now();
    const latestStart = startedAt + outlet.sendLeaseMs / 2;
    let fired: Ready[];
    try {
      await failPoint('before_fire');
      const result = await gate.fire(
        this.campaign,
        token,
        group.map(({ email }) => email),
        outlet,
        this.isProbe,
      );
      if (result.isClosed) this.isStopped = true;
      fired = group.filter(({ email }) => result.fired.has(email.id));
    } catch {
      // Whether it was committed is not known, but nothing was handed over: so the rows may go back, whatever state they are in.
      this.isStopped = true;
      this.finisher.add(group.map(({ email }) => this.putBack(email, 'gate_failed')));
      return;
    }
    await failPoint('after_fire');
    const calls: Promise<void>[] = [];
    for (let at = 0; at < fired.length; at += outlet.batchSize) calls.push(this.call(fired.slice(at, at + outlet.batchSize), latestStart));
    await Promise.all(calls);
    if (fired.length > 0) outlet.pace.record(fired.length, performance.now() - startedAt);
  }

  private async call(chunk: Ready[], latestStart: number): Promise<void> {
    const messages = chunk.map(({ message }) => message);
    const { outlet, breaker } = this.parts;
    const outcomes = await outlet.send(this.campaign.campaignId, messages, latestStart);
    await failPoint('after_send');
    this.finisher.add(
      chunk.map(({ email }, i) => (outcomes ? this.settlement(email, outcomes[i]) : this.putBack(email, 'not_handed_over'))),
    );
    if (!outcomes) return;
    if (this.isProbe) this.probed = outcomes;
    else if (await breaker.record(outlet.accountKey, outcomes)) this.isStopped = true;
  }

  private settlement(email: ClaimedEmail, outcome: SendOutcome): Settlement {
    const { clock, random } = this.parts;
    const at = clock.now();
    const verdict = judge(outcome, { attempts: email.attempts + 1, firstAt: email.firstFiredAt ?? at }, at, random);
    const ref = { ...refOf(email), at, reason: null, detail: null };
    switch (verdict.status) {
      case 'sent':
        this.sent++;
        return { ...ref, ...verdict };
      case 'queued':
        return {
          ...ref,
          status: 'queued',
          reason: verdict.reason,
          detail: verdict.detail,
          dueAt: verdict.dueAt,
          attemptsBefore: verdict.isAttempt ? undefined : email.attempts,
        };
      case 'failed':
        if (verdict.suppress) this.refused++;
        return {
          ...ref,
          status: 'failed',
          reason: verdict.reason,
          detail: verdict.detail,
          suppressEmail: verdict.suppress ? email.email : undefined,
        };
      case 'unknown':
        return { ...ref, ...verdict };
    }
  }

  /** Back into the queue as if it had not been fired. */
  private putBack(email: ClaimedEmail, reason: string): Settlement {
    return { ...refOf(email), at: this.parts.clock.now(), status: 'queued', reason, detail: null, attemptsBefore: email.attempts };
  }
}

/** A variant has content of its own. */
function contentIdOf({ variantId, stepId }: ClaimedEmail): string {
  return variantId ?? stepId;
}

function refOf({ id, token, stepId, enrollmentId, entryNumber }: ClaimedEmail) {
  return { id, token, stepId, enrollmentId, entryNumber };
}
