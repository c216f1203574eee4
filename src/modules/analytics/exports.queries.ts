import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';

export interface RecipientRow {
  contactId: string;
  /** Null, like the names, once the contact has been erased. */
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  status: string;
  enrolledAt: Date;
  stepOrder: number | null;
  stepName: string | null;
  completedAt: Date | null;
  exitedAt: Date | null;
  exitReason: string | null;
  emailsSent: number;
  emailsOpened: number;
  emailsClicked: number;
}

export interface EventRow {
  id: string;
  type: string;
  occurredAt: Date;
  /** The same with all its digits: where the next page begins. */
  occurredAtKey: string;
  /** To which the message went; null once the contact has been erased. */
  email: string | null;
  contactId: string | null;
  emailId: string;
  stepOrder: number | null;
  stepName: string | null;
  url: string | null;
  isMachine: boolean;
  machineReason: string | null;
  bounceClass: string | null;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Pages of exports: each costs the same, however long the list is and wherever the page lies. */
@Injectable()
export class ExportsQueries {
  /** Who is or was in the campaign, by contact; those behind this contact. Opened and clicked by people. */
  recipients(tx: Tx, tenantId: string, campaignId: string, after: RecipientRow | null, limit: number): Promise<RecipientRow[]> {
    return rows<RecipientRow>(
      tx,
      `SELECT cc.contact_id AS "contactId", p.email, p.first_name AS "firstName", p.last_name AS "lastName", cc.status, cc.enrolled_at AS "enrolledAt",
              s.step_order AS "stepOrder", s.step_name AS "stepName", cc.completed_at AS "completedAt", cc.exited_at AS "exitedAt",
              cc.exit_reason AS "exitReason", m.sent AS "emailsSent", m.opened AS "emailsOpened", m.clicked AS "emailsClicked"
         FROM (SELECT * FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2 AND contact_id > $3 ORDER BY contact_id LIMIT $4) cc
         LEFT JOIN contacts p ON p.tenant_id = $1 AND p.id = cc.contact_id AND p.deleted_at IS NULL
         LEFT JOIN campaign_steps s ON s.tenant_id = $1 AND s.id = cc.current_step_id
        CROSS JOIN LATERAL (
          SELECT count(sent_at)::int AS sent, count(first_human_opened_at)::int AS opened, count(first_human_clicked_at)::int AS clicked
            FROM emails WHERE tenant_id = $1 AND enrollment_id = cc.id) m
        ORDER BY cc.contact_id`,
      [tenantId, campaignId, after?.contactId ?? FIRST_ID, limit],
    );
  }

  /** What came back about the campaign's mail, oldest first; what lies behind this event. */
  events(tx: Tx, tenantId: string, campaignId: string, after: EventRow | null, limit: number): Promise<EventRow[]> {
    // The first bound says nothing that the second does not, but lets months be skipped.
    return rows<EventRow>(
      tx,
      `SELECT v.id, v.type, v.occurred_at AS "occurredAt", v.occurred_at::text AS "occurredAtKey", e.to_email AS email, e.contact_id AS "contactId",
              v.email_id AS "emailId", s.step_order AS "stepOrder", s.step_name AS "stepName", coalesce(l.url, v.url) AS url,
              v.is_machine AS "isMachine", v.machine_reason AS "machineReason", v.bounce_class AS "bounceClass"
         FROM (SELECT * FROM email_events
                WHERE tenant_id = $1 AND campaign_id = $2 AND occurred_at >= $3::timestamptz AND (occurred_at, id) > ($3::timestamptz, $4::uuid)
                ORDER BY occurred_at, id LIMIT $5) v
         LEFT JOIN emails e ON e.tenant_id = $1 AND e.id = v.email_id
         LEFT JOIN campaign_steps s ON s.tenant_id = $1 AND s.id = e.step_id
         LEFT JOIN tracked_links l ON l.tenant_id = $1 AND l.id = v.link_id
        ORDER BY v.occurred_at, v.id`,
      [tenantId, campaignId, after?.occurredAtKey ?? '-infinity', after?.id ?? FIRST_ID, limit],
    );
  }
}
