import { Injectable } from '@nestjs/common';
import { row, rows, type Tx } from '../../database/index.js';
import { shownAction, type ActionConfig } from '../steps/index.js';
import type { TimelineEmail, TimelineEvent } from './domain/timeline.js';
import type { TimelineCall, TimelineHandover, TimelineStep } from './domain/timeline-decisions.js';
import type { TimelineEnrollment } from './domain/timeline-entry.js';

/** What is known about one contact in one campaign. */
@Injectable()
export class TimelineQueries {
  enrollment(tx: Tx, tenantId: string, campaignId: string, contactId: string): Promise<TimelineEnrollment | null> {
    return row<TimelineEnrollment>(
      tx,
      `SELECT cc.id, cc.status, cc.current_step_id AS "currentStepId", cc.entry_number AS "entryNumber", cc.enrolled_at AS "enrolledAt",
              cc.started_at AS "startedAt", cc.completed_at AS "completedAt", cc.exited_at AS "exitedAt", cc.exit_reason AS "exitReason",
              cc.last_error AS "lastError", cc.step_entered_at AS "stepEnteredAt", cc.next_email_scheduled_at AS "nextEmailScheduledAt",
              c.status AS "campaignStatus", c.campaign_type AS "campaignType", cc.trace, cc.step_entered_at IS NOT NULL AND EXISTS (
                SELECT FROM ab_decisions d WHERE d.tenant_id = cc.tenant_id AND d.step_id = cc.current_step_id AND d.status = 'testing') AS "waitsForTest"
         FROM campaign_contacts cc JOIN campaigns c ON c.tenant_id = cc.tenant_id AND c.id = cc.campaign_id
        WHERE cc.tenant_id = $1 AND cc.campaign_id = $2 AND cc.contact_id = $3`,
      [tenantId, campaignId, contactId],
    );
  }

  /** The newest `limit` messages, oldest first. */
  emails(tx: Tx, tenantId: string, enrollmentId: string, limit: number): Promise<TimelineEmail[]> {
    return rows<TimelineEmail>(
      tx,
      `SELECT * FROM (
         SELECT id, step_id AS "stepId", entry_number AS "entryNumber", status, reason, detail, due_at AS "dueAt", created_at AS "createdAt", sending_at AS "sendingAt",
                sent_at AS "sentAt", settled_at AS "settledAt", to_email AS "toEmail",
                (SELECT name FROM step_variants v WHERE v.tenant_id = emails.tenant_id AND v.id = emails.variant_id) AS variant
           FROM emails WHERE tenant_id = $1 AND enrollment_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3) e
        ORDER BY "createdAt", id`,
      [tenantId, enrollmentId, limit],
    );
  }

  /** The newest `limit` facts that came back about these messages, oldest first. */
  events(tx: Tx, tenantId: string, emailIds: string[], limit: number): Promise<TimelineEvent[]> {
    return rows<TimelineEvent>(
      tx,
      `SELECT v.*, l.url AS "linkUrl" FROM (
         SELECT tenant_id, id, email_id AS "emailId", type, occurred_at AS "occurredAt", source, is_machine AS "isMachine",
                machine_reason AS "machineReason", bounce_class AS "bounceClass", link_id, url, detail
           FROM email_events WHERE tenant_id = $1 AND email_id = ANY ($2::uuid[]) ORDER BY occurred_at DESC, id DESC LIMIT $3) v
         LEFT JOIN tracked_links l ON l.tenant_id = v.tenant_id AND l.id = v.link_id
        ORDER BY v."occurredAt", v.id`,
      [tenantId, emailIds, limit],
    );
  }

  /** Of every version; without content. */
  async steps(tx: Tx, tenantId: string, campaignId: string): Promise<TimelineStep[]> {
    const found = await rows<Omit<TimelineStep, 'action'> & { action: ActionConfig | null }>(
      tx,
      `SELECT id, step_name AS name, step_type AS type, condition_rules AS rules, split_config AS split, action_config AS action, wait_event AS event,
              CASE WHEN wait_duration_value IS NOT NULL THEN json_build_object('value', wait_duration_value, 'unit', wait_duration_unit) END AS wait,
              wait_until IS NOT NULL AS "waitsForDate"
         FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2`,
      [tenantId, campaignId],
    );
    return found.map(({ action, ...step }) => ({ ...step, action: action && shownAction(action) }));
  }

  handovers(tx: Tx, tenantId: string, enrollmentId: string): Promise<TimelineHandover[]> {
    return rows<TimelineHandover>(
      tx,
      `SELECT step_id AS "stepId", entry_number AS "entryNumber", target_campaign_id AS "campaignId", outcome, at
         FROM campaign_handovers WHERE tenant_id = $1 AND enrollment_id = $2`,
      [tenantId, enrollmentId],
    );
  }

  /** The newest `limit`. */
  calls(tx: Tx, tenantId: string, enrollmentId: string, limit: number): Promise<TimelineCall[]> {
    return rows<TimelineCall>(
      tx,
      `SELECT id, step_id AS "stepId", entry_number AS "entryNumber", occurred_at AS "occurredAt", status, attempts,
              last_attempt_at AS "lastAttemptAt", status_code AS "statusCode", error
         FROM step_calls WHERE tenant_id = $1 AND enrollment_id = $2 ORDER BY id DESC LIMIT $3`,
      [tenantId, enrollmentId, limit],
    );
  }

  /** Names of segments and campaigns by their ids; those that are gone have none. */
  async names(tx: Tx, tenantId: string, ids: { segments: string[]; campaigns: string[] }): Promise<Map<string, string>> {
    const found = await rows<{ id: string; name: string }>(
      tx,
      `SELECT id, name FROM segments WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
        UNION ALL
       SELECT id, name FROM campaigns WHERE tenant_id = $1 AND id = ANY ($3::uuid[])`,
      [tenantId, ids.segments, ids.campaigns],
    );
    return new Map(found.map(({ id, name }) => [id, name]));
  }
}
