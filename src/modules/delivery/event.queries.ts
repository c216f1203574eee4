import { Injectable } from '@nestjs/common';
import { affected, rows, type Tx } from '../../database/index.js';
import type { Fate } from './domain/facts.js';

/** A ledger row about which something came back; locked. */
export interface TouchedEmail extends Fate {
  tenantId: string;
  id: string;
  campaignId: string;
  stepId: string;
  contactId: string;
  enrollmentId: string;
  entryNumber: number;
  toEmail: string | null;
  settledAt: Date | null;
}

/**
 * Facts from outside, applied to the ledger. System scope: one batch may concern many tenants, and every join is by tenant. Not prepared, for the
 * reason `DeliveryQueries` gives.
 */
@Injectable()
export class EventQueries {
  /** Locks the rows in the order of their ids. */
  async lockEmails(tx: Tx, emails: { tenantId: string; id: string }[]): Promise<TouchedEmail[]> {
    return rows(
      tx,
      `SELECT e.tenant_id AS "tenantId", e.id, e.campaign_id AS "campaignId", e.step_id AS "stepId", e.contact_id AS "contactId",
              e.enrollment_id AS "enrollmentId", e.entry_number AS "entryNumber", e.to_email AS "toEmail", e.status, e.reason, e.detail,
              e.settled_at AS "settledAt", e.sending_at AS "sendingAt", e.sent_at AS "sentAt", e.delivered_at AS "deliveredAt",
              e.bounced_at AS "bouncedAt", e.complained_at AS "complainedAt", e.unsubscribed_at AS "unsubscribedAt",
              e.first_opened_at AS "firstOpenedAt", e.first_human_opened_at AS "firstHumanOpenedAt", e.first_clicked_at AS "firstClickedAt",
              e.first_human_clicked_at AS "firstHumanClickedAt", e.replied_at AS "repliedAt"
         FROM emails e JOIN unnest($1::uuid[], $2::uuid[]) AS v(tenant_id, id) ON e.tenant_id = v.tenant_id AND e.id = v.id
        ORDER BY e.tenant_id, e.id FOR UPDATE OF e`,
      [emails.map((e) => e.tenantId), emails.map((e) => e.id)],
    );
  }

  /** When something last arrived at each of these addresses, by what the ledger knows; those at which nothing ever did are left out. */
  arrivalsAt(tx: Tx, tenantId: string, addresses: string[]): Promise<{ email: string; at: Date }[]> {
    return rows(
      tx,
      `SELECT k.email_norm AS email, max(greatest(e.delivered_at, e.first_opened_at, e.first_clicked_at, e.replied_at, e.complained_at)) AS at
         FROM contacts k
         JOIN campaign_contacts n ON n.tenant_id = k.tenant_id AND n.contact_id = k.id
         JOIN emails e ON e.tenant_id = n.tenant_id AND e.enrollment_id = n.id AND lower(e.to_email) = k.email_norm AND e.delivered_at IS NOT NULL
        WHERE k.tenant_id = $1 AND k.email_norm = ANY ($2::text[]) GROUP BY 1`,
      [tenantId, addresses.map((address) => address.toLowerCase())],
    );
  }

  /** Takes the address and what was said about it off the messages of a contact; returns which messages and what their address was. */
  forgetContact(tx: Tx, tenantId: string, contactId: string): Promise<{ id: string; address: string | null }[]> {
    return rows(
      tx,
      `WITH known AS MATERIALIZED (
         SELECT e.id, e.to_email FROM campaign_contacts n JOIN emails e ON e.tenant_id = n.tenant_id AND e.enrollment_id = n.id
          WHERE n.tenant_id = $1 AND n.contact_id = $2 ORDER BY e.id FOR UPDATE OF e)
       UPDATE emails e SET to_email = NULL, detail = NULL FROM known WHERE e.tenant_id = $1 AND e.id = known.id
       RETURNING e.id, known.to_email AS address`,
      [tenantId, contactId],
    );
  }

  /** Writes the fates of rows that `lockEmails` locked. */
  async saveFates(tx: Tx, emails: TouchedEmail[]): Promise<number> {
    const times = <K extends keyof TouchedEmail>(column: K) => emails.map((email) => email[column]);
    return affected(
      tx,
      `UPDATE emails e SET status = v.status, reason = v.reason, detail = v.detail, settled_at = v.settled_at, sent_at = v.sent_at,
              delivered_at = v.delivered_at, bounced_at = v.bounced_at, complained_at = v.complained_at, unsubscribed_at = v.unsubscribed_at,
              first_opened_at = v.first_opened_at, first_human_opened_at = v.first_human_opened_at, first_clicked_at = v.first_clicked_at,
              first_human_clicked_at = v.first_human_clicked_at, replied_at = v.replied_at
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
           $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
           $15::timestamptz[], $16::timestamptz[])
           AS v(tenant_id, id, status, reason, detail, settled_at, sent_at, delivered_at, bounced_at, complained_at, unsubscribed_at,
             first_opened_at, first_human_opened_at, first_clicked_at, first_human_clicked_at, replied_at)
        WHERE e.tenant_id = v.tenant_id AND e.id = v.id`,
      [
        times('tenantId'),
        times('id'),
        times('status'),
        times('reason'),
        times('detail'),
        times('settledAt'),
        times('sentAt'),
        times('deliveredAt'),
        times('bouncedAt'),
        times('complainedAt'),
        times('unsubscribedAt'),
        times('firstOpenedAt'),
        times('firstHumanOpenedAt'),
        times('firstClickedAt'),
        times('firstHumanClickedAt'),
        times('repliedAt'),
      ],
    );
  }

  /** Of these enrolments, the live ones whose campaign ends with an answer. */
  async endedByReply(tx: Tx, tenantId: string, enrollmentIds: string[]): Promise<string[]> {
    const found = await rows<{ id: string }>(
      tx,
      `SELECT n.id FROM campaign_contacts n JOIN campaigns c ON c.tenant_id = n.tenant_id AND c.id = n.campaign_id
        WHERE n.tenant_id = $1 AND n.id = ANY($2::uuid[]) AND n.status IN ('enrolled', 'active', 'paused') AND c.exit_on_reply`,
      [tenantId, enrollmentIds],
    );
    return found.map(({ id }) => id);
  }

  /** How many different links the content of these steps has; an address made for each contact is one of its own. */
  async countLinks(tx: Tx, steps: { tenantId: string; stepId: string }[]): Promise<{ tenantId: string; stepId: string; count: number }[]> {
    return rows(
      tx,
      `SELECT s.tenant_id AS "tenantId", s.id AS "stepId",
              (SELECT count(DISTINCT coalesce(nullif(l.id, ''), l.n::text))::int
                 FROM jsonb_array_elements_text(coalesce(s.compiled_content -> 'linkIds', '[]')) WITH ORDINALITY AS l(id, n)) AS count
         FROM campaign_steps s JOIN unnest($1::uuid[], $2::uuid[]) AS v(tenant_id, id) ON s.tenant_id = v.tenant_id AND s.id = v.id`,
      [steps.map((s) => s.tenantId), steps.map((s) => s.stepId)],
    );
  }

  /** Finds the first hits by people anew, for locked messages of which some turned out to be a machine's. Rare. */
  async recountPeople(tx: Tx, emails: { tenantId: string; id: string }[]): Promise<number> {
    return affected(
      tx,
      `UPDATE emails e SET first_human_opened_at = h.opened_at, first_human_clicked_at = h.clicked_at
         FROM unnest($1::uuid[], $2::uuid[]) AS v(tenant_id, id) CROSS JOIN LATERAL (
           SELECT min(x.occurred_at) FILTER (WHERE x.type = 'opened') AS opened_at, min(x.occurred_at) FILTER (WHERE x.type = 'clicked') AS clicked_at
             FROM email_events x WHERE x.tenant_id = v.tenant_id AND x.email_id = v.id AND x.applied_at IS NOT NULL AND NOT x.is_machine) h
        WHERE e.tenant_id = v.tenant_id AND e.id = v.id`,
      [emails.map((e) => e.tenantId), emails.map((e) => e.id)],
    );
  }
}
