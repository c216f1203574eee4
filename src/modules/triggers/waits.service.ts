import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';
import { PeopleInside } from '../enrollment/index.js';
import { compileEventFilter, HIT_SETTLES_MS, type EventFilter } from '../segments/index.js';

/** Steps that wait for something: whoever learns that it has happened moves the due time, and the engine looks at the step again. */
@Injectable()
export class Waits {
  constructor(private readonly inside: PeopleInside) {}

  /** An event happened: those who wait for it at this step are due. */
  async wakeContacts(
    tx: Tx,
    tenantId: string,
    w: { campaignId: string; stepId: string; contactIds: string[] },
    now: Date,
  ): Promise<number> {
    return this.inside.wakeContacts(tx, tenantId, w, now);
  }

  /**
   * These people opened, clicked or replied: those of them who wait for a condition are looked at again as soon as it is settled that it was them.
   * Costs next to nothing where nobody waits.
   */
  async wakeEngaged(tx: Tx, tenantId: string, people: { campaignId: string; enrollmentId: string }[], now: Date): Promise<number> {
    if (people.length === 0) return 0;
    const steps = await this.waitingSteps(tx, tenantId, [...new Set(people.map(({ campaignId }) => campaignId))]);
    if (steps.length === 0) return 0;
    const campaigns = new Set(steps.map(({ campaignId }) => campaignId));
    const enrollmentIds = people.filter(({ campaignId }) => campaigns.has(campaignId)).map(({ enrollmentId }) => enrollmentId);
    const stepIds = steps.map(({ stepId }) => stepId);
    const settled = new Date(now.getTime() + HIT_SETTLES_MS);
    return this.inside.wakeEnrollments(tx, tenantId, [...new Set(enrollmentIds)], stepIds, settled);
  }

  /** Of these campaigns, the steps that wait for a condition. */
  private waitingSteps(tx: Tx, tenantId: string, campaignIds: string[]): Promise<{ campaignId: string; stepId: string }[]> {
    return rows(
      tx,
      `SELECT campaign_id AS "campaignId", id AS "stepId" FROM campaign_steps
        WHERE tenant_id = $1 AND campaign_id = ANY ($2::uuid[]) AND step_type = 'wait_for' AND wait_event IS NULL`,
      [tenantId, campaignIds],
    );
  }

  /** Which of the enrolments have seen the event since the time given with each. */
  async haveSeen(
    tx: Tx,
    tenantId: string,
    event: { name: string; filter?: unknown },
    waiting: { enrollmentId: string; contactId: string; since: Date }[],
    now: Date,
  ): Promise<Set<string>> {
    const filter = compileEventFilter((event.filter as EventFilter | null | undefined) ?? null, { eventAlias: 'ev', firstParam: 6, now });
    const found = await rows<{ id: string }>(
      tx,
      `SELECT w.id FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS w (id, contact_id, since)
        WHERE EXISTS (SELECT FROM contact_events ev
          WHERE ev.tenant_id = $1 AND ev.contact_id = w.contact_id AND ev.name = $5 AND ev.occurred_at >= w.since AND ${filter.sql})`,
      [
        tenantId,
        waiting.map(({ enrollmentId }) => enrollmentId),
        waiting.map(({ contactId }) => contactId),
        waiting.map(({ since }) => since),
        event.name,
        ...filter.params,
      ],
    );
    return new Set(found.map(({ id }) => id));
  }
}
