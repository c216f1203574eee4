import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { Attributes } from './domain/attributes.js';

/** A contact as the API shows it. */
export interface ContactView {
  id: string;
  email: string;
  firstName: string | null;
  lastName: string | null;
  timezone: string | null;
  leadScore: number;
  attributes: Attributes;
  tags: string[];
  subscribed: boolean;
  unsubscribedAt: Date | null;
  unsubscribeReason: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What a contact consists of, apart from its tags. */
export type ContactFields = Pick<ContactView, 'email' | 'firstName' | 'lastName' | 'timezone' | 'leadScore' | 'attributes'>;

export interface ContactFilter {
  email?: string;
  tag?: string;
  subscribed?: boolean;
  q?: string;
}

const VIEW = `c.id, c.email, c.first_name AS "firstName", c.last_name AS "lastName", c.timezone, c.lead_score AS "leadScore", c.attributes,
  coalesce((SELECT array_agg(t.tag ORDER BY t.tag) FROM contact_tags t WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.id), '{}') AS tags,
  c.subscribed, c.unsubscribed_at AS "unsubscribedAt", c.unsubscribe_reason AS "unsubscribeReason", c.created_at AS "createdAt",
  c.updated_at AS "updatedAt"`;

/** Reads and writes `contacts` and `contact_tags`, one contact at a time. Erased contacts are not there for any of it. */
@Injectable()
export class ContactsQueries {
  /** Newest first. `before` is the id of the last contact of the page before. */
  list(tx: Tx, tenantId: string, filter: ContactFilter, before: string | null, limit: number): Promise<ContactView[]> {
    return rows<ContactView>(
      tx,
      `SELECT ${VIEW} FROM contacts c
        WHERE c.tenant_id = $1 AND c.deleted_at IS NULL
          AND ($2::uuid IS NULL OR c.id < $2)
          AND ($3::text IS NULL OR c.email_norm = lower($3))
          AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM contact_tags t WHERE t.tenant_id = $1 AND t.contact_id = c.id AND t.tag = $4))
          AND ($5::boolean IS NULL OR c.subscribed = $5)
          AND ($6::text IS NULL OR starts_with(c.email_norm, lower($6)) OR starts_with(lower(c.first_name), lower($6))
               OR starts_with(lower(c.last_name), lower($6)) OR starts_with(lower(concat_ws(' ', c.first_name, c.last_name)), lower($6)))
        ORDER BY c.id DESC LIMIT $7`,
      [tenantId, before, filter.email ?? null, filter.tag ?? null, filter.subscribed ?? null, filter.q ?? null, limit],
    );
  }

  find(tx: Tx, tenantId: string, id: string): Promise<ContactView | null> {
    return row<ContactView>(tx, `SELECT ${VIEW} FROM contacts c WHERE c.tenant_id = $1 AND c.id = $2 AND c.deleted_at IS NULL`, [
      tenantId,
      id,
    ]);
  }

  /** Locks the contact until the transaction ends. */
  lock(tx: Tx, tenantId: string, id: string): Promise<ContactView | null> {
    return row<ContactView>(
      tx,
      `SELECT ${VIEW} FROM contacts c WHERE c.tenant_id = $1 AND c.id = $2 AND c.deleted_at IS NULL FOR UPDATE OF c`,
      [tenantId, id],
    );
  }

  async findIdByEmail(tx: Tx, tenantId: string, email: string): Promise<string | null> {
    const found = await row<{ id: string }>(tx, `SELECT id FROM contacts WHERE tenant_id = $1 AND email_norm = lower($2)`, [
      tenantId,
      email,
    ]);
    return found?.id ?? null;
  }

  /** False if the address is taken. */
  async insert(tx: Tx, tenantId: string, contact: ContactFields & { id: string }): Promise<boolean> {
    const count = await affected(
      tx,
      `INSERT INTO contacts (tenant_id, id, email, email_norm, first_name, last_name, timezone, lead_score, attributes)
       VALUES ($1, $2, $3::text, lower($3::text), $4, $5, $6, $7, $8)
       ON CONFLICT (tenant_id, email_norm) DO NOTHING`,
      [tenantId, contact.id, ...values(contact)],
    );
    return count === 1;
  }

  /** Writes all fields of a locked contact. Throws SQLSTATE 23505 if the address is taken. */
  update(tx: Tx, tenantId: string, id: string, contact: ContactFields): Promise<number> {
    return affected(
      tx,
      `UPDATE contacts SET email = $3::text, email_norm = lower($3::text), first_name = $4, last_name = $5, timezone = $6, lead_score = $7, attributes = $8
        WHERE tenant_id = $1 AND id = $2`,
      [tenantId, id, ...values(contact)],
    );
  }

  /** Leaves nothing personal on the row. */
  anonymise(tx: Tx, tenantId: string, id: string, email: string, now: Date): Promise<number> {
    return affected(
      tx,
      `UPDATE contacts SET email = $3::text, email_norm = lower($3::text), first_name = NULL, last_name = NULL, timezone = NULL, lead_score = 0,
              attributes = '{}', subscribed = false, unsubscribed_at = coalesce(unsubscribed_at, $4), unsubscribe_reason = NULL, deleted_at = $4
        WHERE tenant_id = $1 AND id = $2`,
      [tenantId, id, email, now],
    );
  }

  addTags(tx: Tx, tenantId: string, id: string, tags: string[]): Promise<number> {
    return affected(
      tx,
      `INSERT INTO contact_tags (tenant_id, contact_id, tag) SELECT $1, $2, tag FROM unnest($3::text[]) AS tag ON CONFLICT DO NOTHING`,
      [tenantId, id, tags],
    );
  }

  removeTag(tx: Tx, tenantId: string, id: string, tag: string): Promise<number> {
    return affected(tx, `DELETE FROM contact_tags WHERE tenant_id = $1 AND contact_id = $2 AND tag = $3`, [tenantId, id, tag]);
  }

  /** Removes every tag but these. */
  keepTags(tx: Tx, tenantId: string, id: string, tags: string[]): Promise<number> {
    return affected(tx, `DELETE FROM contact_tags WHERE tenant_id = $1 AND contact_id = $2 AND tag <> ALL ($3::text[])`, [
      tenantId,
      id,
      tags,
    ]);
  }

  /** They hold what the person did, in words of the host's choosing. */
  deleteEvents(tx: Tx, tenantId: string, id: string): Promise<number> {
    return affected(tx, `DELETE FROM contact_events WHERE tenant_id = $1 AND contact_id = $2`, [tenantId, id]);
  }
}

function values({ email, firstName, lastName, timezone, leadScore, attributes }: ContactFields): unknown[] {
  return [email, firstName, lastName, timezone, leadScore, JSON.stringify(attributes)];
}
