import { Injectable } from '@nestjs/common';
import { affected, type Tx } from '../../database/index.js';
import type { StepCounters } from './domain/step.js';

/** The counters of the steps. They are counted by analytics, which stands above, and kept here because the steps are. */
@Injectable()
export class StepCountersQueries {
  /** Writes the counters that differ, and nothing else: `updated_at` stays. Idempotent. Returns how many steps changed. */
  async save(tx: Tx, tenantId: string, counters: readonly ({ stepId: string } & StepCounters)[]): Promise<number> {
    if (counters.length === 0) return 0;
    const column = <K extends keyof StepCounters>(name: K) => counters.map((step) => step[name]);
    return affected(
      tx,
      `UPDATE campaign_steps s
          SET emails_sent = c.sent, emails_delivered = c.delivered, opens = c.opens, clicks = c.clicks, replies = c.replies, unsubscribes = c.unsubscribes
         FROM unnest($2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[])
           AS c (id, sent, delivered, opens, clicks, replies, unsubscribes)
        WHERE s.tenant_id = $1 AND s.id = c.id
          AND (s.emails_sent, s.emails_delivered, s.opens, s.clicks, s.replies, s.unsubscribes)
            IS DISTINCT FROM (c.sent, c.delivered, c.opens, c.clicks, c.replies, c.unsubscribes)`,
      [
        tenantId,
        counters.map(({ stepId }) => stepId),
        column('emailsSent'),
        column('emailsDelivered'),
        column('opens'),
        column('clicks'),
        column('replies'),
        column('unsubscribes'),
      ],
    );
  }
}
