import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { EnrollmentService, type EmailStepResult } from '../enrollment/index.js';
import { RETRY } from './domain/retry-policy.js';
import { MailCounters } from './mail-counters.js';
import { RecoveryQueries, type DecidedEmail } from './recovery.queries.js';

const ROWS_PER_RUN = 1_000;

/** Picks up what dead workers left behind. Any process may run it, any number at once. */
@Injectable()
export class RecoveryService {
  private readonly logger = new Logger('Delivery');

  constructor(
    private readonly db: Database,
    private readonly queries: RecoveryQueries,
    private readonly enrollments: EnrollmentService,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly counters: MailCounters,
  ) {}

  /** Rows `sending` beyond their lease become `unknown` (or `failed` the second time running). Claims that ran out need nothing: they can be claimed again. */
  async recoverExpired(): Promise<number> {
    const now = this.clock.now();
    const recovered = await this.db.asSystem(async (tx) => {
      const rows = await this.queries.expireSending(tx, now, ROWS_PER_RUN);
      await this.moveOn(tx, rows, now);
      return rows;
    });
    this.counters.countEndings(recovered);
    if (recovered.length > 0)
      this.logger.warn(`${recovered.length} messages were with a worker that ended; whether they were handed over is unknown`);
    return recovered.length;
  }

  /** After the grace period the campaign's policy decides about `unknown` rows: never a blind resend unless it says so. */
  async settleUnknown(): Promise<number> {
    const now = this.clock.now();
    const firedBefore = new Date(now.getTime() - this.config.engine.unknownGraceSeconds * 1000);
    const settled = await this.db.asSystem(async (tx) => {
      const rows = await this.queries.settleUnknown(tx, now, firedBefore, RETRY.maxAttempts, ROWS_PER_RUN);
      await this.moveOn(tx, rows, now);
      return rows;
    });
    // Left in doubt: counted when that began.
    this.counters.countEndings(settled.filter(({ status }) => status !== 'unknown'));
    if (settled.length > 0) {
      const resent = settled.filter(({ status }) => status === 'queued').length;
      this.logger.log(`${settled.length} messages in doubt settled by policy: ${resent} to be sent again, the others left as they are`);
    }
    return settled.length;
  }

  /** Contacts whose row is decided go on; an `unknown` row counts as skipped, because nobody can say that it was sent. */
  private async moveOn(tx: Tx, emails: DecidedEmail[], at: Date): Promise<void> {
    const byTenant = new Map<string, EmailStepResult[]>();
    for (const { tenantId, enrollmentId, stepId, entryNumber, status, settledAt } of emails) {
      if (settledAt === null) continue;
      const step = { enrollmentId, stepId, entryNumber, at };
      const result: EmailStepResult =
        status === 'failed' ? { ...step, outcome: 'failed', error: 'The message could not be sent.' } : { ...step, outcome: 'skipped' };
      byTenant.set(tenantId, [...(byTenant.get(tenantId) ?? []), result]);
    }
    for (const [tenantId, results] of byTenant) await this.enrollments.leaveEmailStep(tx, tenantId, results);
  }
}
