import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import { entryTrace } from '../../shared/trace.js';
import type { EnrollmentStatus } from './enrollment.types.js';

/** An enrolment as the API shows it. */
export interface EnrollmentRow {
  id: string;
  campaignId: string;
  contactId: string;
  email: string;
  status: EnrollmentStatus;
  currentStepId: string | null;
  entryNumber: number;
  stepsCompleted: number;
  enrolledAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  exitedAt: Date | null;
  exitReason: string | null;
  lastError: string | null;
  lastEmailSentAt: Date | null;
  nextEmailScheduledAt: Date | null;
}

const SHOWN = `cc.id, cc.campaign_id AS "campaignId", cc.contact_id AS "contactId", c.email, cc.status, cc.current_step_id AS "currentStepId",
  cc.entry_number AS "entryNumber", cc.steps_completed AS "stepsCompleted", cc.enrolled_at AS "enrolledAt", cc.started_at AS "startedAt",
  cc.completed_at AS "completedAt", cc.exited_at AS "exitedAt", cc.exit_reason AS "exitReason", cc.last_error AS "lastError",
  cc.last_email_sent_at AS "lastEmailSentAt", cc.next_email_scheduled_at AS "nextEmailScheduledAt"`;
const FROM = `campaign_contacts cc JOIN contacts c ON c.tenant_id = cc.tenant_id AND c.id = cc.contact_id`;

/** The statements behind `/api/campaigns/:id/contacts`. */
@Injectable()
export class EnrollmentApiQueries {
  list(
    tx: Tx,
    tenantId: string,
    campaignId: string,
    f: { status: string | null; stepId: string | null; beforeId: string | null; limit: number },
  ): Promise<EnrollmentRow[]> {
    return rows<EnrollmentRow>(
      tx,
      `SELECT ${SHOWN} FROM ${FROM}
       WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND ($3::text IS NULL OR cc.status = $3)
         AND ($4::uuid IS NULL OR cc.current_step_id = $4) AND ($5::uuid IS NULL OR cc.id < $5)
       ORDER BY cc.id DESC LIMIT $6`,
      [tenantId, campaignId, f.status, f.stepId, f.beforeId, f.limit],
    );
  }

  find(tx: Tx, tenantId: string, campaignId: string, contactId: string): Promise<EnrollmentRow | null> {
    return row<EnrollmentRow>(tx, `SELECT ${SHOWN} FROM ${FROM} WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.contact_id = $3`, [
      tenantId,
      campaignId,
      contactId,
    ]);
  }

  /** Which of these contacts exist and are not erased. */
  async existingContacts(tx: Tx, tenantId: string, contactIds: string[]): Promise<Set<string>> {
    const found = await rows<{ id: string }>(
      tx,
      `SELECT id FROM contacts WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL`,
      [tenantId, contactIds],
    );
    return new Set(found.map(({ id }) => id));
  }

  async zonesOf(tx: Tx, tenantId: string, contactIds: string[]): Promise<string[]> {
    const found = await rows<{ timezone: string }>(
      tx,
      `SELECT DISTINCT timezone FROM contacts WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND timezone IS NOT NULL`,
      [tenantId, contactIds],
    );
    return found.map(({ timezone }) => timezone);
  }

  /** Enrols chosen contacts; those already enrolled, unsubscribed or suppressed are passed over. Returns how many were new. */
  enroll(
    tx: Tx,
    tenantId: string,
    e: {
      campaignId: string;
      firstStepId: string;
      contactIds: string[];
      now: Date;
      /** Where the contact's zone has no due time of its own in `dueByZone`. */
      dueAt: Date;
      dueByZone: Map<string, Date>;
      includeUnsubscribed: boolean;
    },
  ): Promise<number> {
    return affected(
      tx,
      `INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, enrolled_at, next_email_scheduled_at, trace)
       SELECT $1, $2, c.id, 'enrolled', $3, $5, coalesce(zone.due, $6::timestamptz), $9
       FROM contacts c LEFT JOIN (SELECT key, value::timestamptz AS due FROM json_each_text($8::json)) zone ON zone.key = c.timezone
       WHERE c.tenant_id = $1 AND c.id = ANY($4::uuid[]) AND c.deleted_at IS NULL AND (c.subscribed OR $7::boolean)
         AND NOT EXISTS (SELECT FROM suppressions s WHERE s.tenant_id = c.tenant_id AND s.email_norm = c.email_norm
           AND NOT ($7::boolean AND s.reason = 'unsubscribed'))
       ORDER BY c.id
       ON CONFLICT (tenant_id, campaign_id, contact_id) DO NOTHING`,
      [
        tenantId,
        e.campaignId,
        e.firstStepId,
        e.contactIds,
        e.now,
        e.dueAt,
        e.includeUnsubscribed,
        JSON.stringify(Object.fromEntries([...e.dueByZone].map(([zone, due]) => [zone, due.toISOString()]))),
        entryTrace(e.now, { by: 'hand' }),
      ],
    );
  }

  /** Holds one contact; its due time stays, but nobody looks at it while it is held. */
  hold(tx: Tx, tenantId: string, campaignId: string, contactId: string): Promise<number> {
    return affected(
      tx,
      `UPDATE campaign_contacts SET status = 'paused'
       WHERE tenant_id = $1 AND campaign_id = $2 AND contact_id = $3 AND status IN ('enrolled', 'active')`,
      [tenantId, campaignId, contactId],
    );
  }

  release(tx: Tx, tenantId: string, campaignId: string, contactId: string): Promise<number> {
    return affected(
      tx,
      `UPDATE campaign_contacts SET status = CASE WHEN started_at IS NULL THEN 'enrolled' ELSE 'active' END
       WHERE tenant_id = $1 AND campaign_id = $2 AND contact_id = $3 AND status = 'paused'`,
      [tenantId, campaignId, contactId],
    );
  }
}
