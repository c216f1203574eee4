import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { failPoint } from '../../shared/fail-point.js';
import { ContactEffects } from '../contacts/index.js';
import { EnrollmentService, type EmailStepResult } from '../enrollment/index.js';
import { DeliveryQueries } from './delivery.queries.js';
import type { Settlement, SkipReason } from './delivery.types.js';
import { MailCounters } from './mail-counters.js';

/** Why the contact leaves the campaign when its message was skipped; a reason not listed here moves it on to the next step. */
const EXIT_OF_SKIP = {
  unsubscribed: 'unsubscribed',
  suppressed: 'suppressed',
  contact_deleted: 'contact_deleted',
  campaign_ended: 'campaign_ended',
} as const satisfies Partial<Record<SkipReason, EmailStepResult['exitReason']>>;

/** Writes how messages ended, and moves their contacts on, in one transaction: a message is never recorded without its consequence. */
@Injectable()
export class SettlementService {
  constructor(
    private readonly db: Database,
    private readonly queries: DeliveryQueries,
    private readonly enrollments: EnrollmentService,
    private readonly contacts: ContactEffects,
    private readonly counters: MailCounters,
  ) {}

  /** Safe to repeat: rows already decided are passed over. Returns how many were written. */
  async settle(tenantId: string, settlements: Settlement[]): Promise<number> {
    const written = await this.db.inTenant(tenantId, (tx) => this.settleIn(tx, tenantId, settlements));
    this.counters.countEndings(written);
    return written.length;
  }

  /** In the transaction of the caller, who counts what is returned once that is committed. */
  async settleIn(tx: Tx, tenantId: string, results: Settlement[]): Promise<Settlement[]> {
    if (results.length === 0) return [];
    const settlements = results.map(writable);
    const finished = new Set(await this.queries.finish(tx, tenantId, settlements));
    const mine = settlements.filter(({ id }) => finished.has(id));
    const moves = mine.map(resultOf).filter((move) => move !== null);
    if (moves.length > 0) await this.enrollments.leaveEmailStep(tx, tenantId, moves);
    const dead = mine.filter((settlement) => settlement.suppressEmail !== undefined);
    if (dead.length > 0) {
      const entries = dead.map(({ suppressEmail, detail }) => ({
        email: suppressEmail as string,
        reason: 'hard_bounce' as const,
        source: 'provider',
        detail: detail ?? undefined,
      }));
      await this.contacts.suppress(tx, tenantId, entries);
    }
    await failPoint('finish_before_commit');
    return mine;
  }
}

/** Null while nothing is decided: the contact stays on its step. */
function resultOf(settlement: Settlement): EmailStepResult | null {
  const { enrollmentId, stepId, entryNumber, at, status, reason, detail } = settlement;
  const step = { enrollmentId, stepId, entryNumber, at };
  if (status === 'queued' || status === 'unknown') return null;
  if (status === 'sent') return { ...step, outcome: 'sent' };
  if (status === 'cancelled') return { ...step, outcome: 'exited', exitReason: 'campaign_cancelled' };
  if (status === 'failed') {
    if (settlement.suppressEmail !== undefined) return { ...step, outcome: 'exited', exitReason: 'bounced' };
    return { ...step, outcome: 'failed', error: `${reason}: ${detail}` };
  }
  const exitReason = EXIT_OF_SKIP[reason as keyof typeof EXIT_OF_SKIP];
  return exitReason ? { ...step, outcome: 'exited', exitReason } : { ...step, outcome: 'skipped' };
}

/** What a provider says is not ours to choose: PostgreSQL takes no NUL, and columns have their length. */
function writable(settlement: Settlement): Settlement {
  const fit = (text: string | null | undefined, length: number) => text?.replaceAll('\0', '').slice(0, length) ?? null;
  return {
    ...settlement,
    reason: fit(settlement.reason, 100),
    detail: fit(settlement.detail, 2_000),
    providerMessageId: fit(settlement.providerMessageId, 255),
  };
}
