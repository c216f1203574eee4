import { Injectable, Optional } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../../http/index.js';
import type { TenantEvent } from '../tracking/index.js';
import { FAILURES, failureOf, type Ending } from './domain/failure-class.js';

const OUTCOMES = ['sent', 'retry', 'held', 'failed', 'unknown', 'skipped', 'cancelled'] as const;
const FEEDBACK = ['bounce_hard', 'bounce_soft', 'bounce_block', 'dropped', 'complaint'] as const;

/**
 * Counts what this process has committed, for its metrics. Every series is there from the start at 0: the first failure of a kind is an increase that an
 * alert can see. Nothing here names a tenant, a campaign or a person.
 */
@Injectable()
export class MailCounters {
  private readonly messages?: Counter<'outcome'>;
  private readonly failures?: Counter<'class' | 'reason'>;
  private readonly feedback?: Counter<'kind'>;

  constructor(@Optional() metrics?: Metrics) {
    if (!metrics) return;
    this.messages = metrics.counter('campaign_messages_total', 'Messages whose end this process has written, by outcome.', ['outcome']);
    this.failures = metrics.counter('campaign_message_failures_total', 'Those that were not sent, by class and reason.', [
      'class',
      'reason',
    ]);
    this.feedback = metrics.counter('campaign_feedback_total', 'Bad news about accepted messages, once each, by kind.', ['kind']);
    for (const outcome of OUTCOMES) this.messages.inc({ outcome }, 0);
    for (const kind of FEEDBACK) this.feedback.inc({ kind }, 0);
    for (const [name, reasons] of Object.entries(FAILURES)) for (const reason of reasons) this.failures.inc({ class: name, reason }, 0);
  }

  /** After the commit. */
  countEndings(endings: readonly Ending[]): void {
    for (const ending of endings) {
      const failure = failureOf(ending);
      this.messages?.inc({ outcome: outcomeOf(ending, failure?.class === 'held') });
      if (failure) this.failures?.inc(failure);
    }
  }

  /** After the commit, events that have been applied for the first time. */
  countFeedback(events: readonly Pick<TenantEvent, 'type' | 'bounceClass'>[]): void {
    for (const { type, bounceClass } of events) {
      if (type === 'bounced') this.feedback?.inc({ kind: `bounce_${bounceClass ?? 'soft'}` });
      else if (type === 'dropped') this.feedback?.inc({ kind: 'dropped' });
      else if (type === 'complained') this.feedback?.inc({ kind: 'complaint' });
    }
  }
}

function outcomeOf({ status }: Ending, isHeld: boolean): (typeof OUTCOMES)[number] {
  if (status !== 'queued') return status;
  return isHeld ? 'held' : 'retry';
}
