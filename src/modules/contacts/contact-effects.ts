import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import { isTimeZone } from '../../shared/time-zone.js';
import { ContactEffectsQueries, type EffectColumn } from './contact-effects.queries.js';
import { ContactsEvents } from './contacts-events.js';
import { InvalidContactError } from './contacts.errors.js';
import { attributeNameFault, attributeValueFault } from './domain/attributes.js';
import { lineFault, MAX_NAME_LENGTH, tagFault } from './domain/text.js';
import { afterArrivals, type AddressFact } from './domain/soft-bounces.js';
import type { SuppressionReason } from './domain/suppression.js';
import { SuppressionsQueries, type NewSuppression, type SuppressionActor } from './suppressions.queries.js';

export interface Unsubscribing {
  /** For the record, at most 255 characters; longer ones are cut. */
  reason: string;
  at: Date;
  source: 'page' | 'one_click' | 'api' | 'provider';
}

const COLUMNS: readonly string[] = ['firstName', 'lastName', 'timezone'] satisfies EffectColumn[];

/**
 * What the rest of the product does to contacts, in the caller's transaction. Each method takes any number of contacts, answers how many it
 * changed, and changes nothing when repeated (`adjustLeadScore` alone adds again: its caller must know that it has not run). Contacts that are
 * erased or of another tenant are passed over.
 */
@Injectable()
export class ContactEffects {
  constructor(
    private readonly queries: ContactEffectsQueries,
    private readonly suppressions: SuppressionsQueries,
    private readonly events: ContactsEvents,
    private readonly clock: Clock,
  ) {}

  /** `firstName`, `lastName`, `timezone` or a custom attribute; null takes it away. Throws `InvalidContactError` where no contact can have it. */
  async setAttribute(tx: Tx, tenantId: string, contactIds: string[], attribute: string, value: unknown): Promise<number> {
    const [problem] = setAttributeProblems(attribute, value, '');
    if (problem) throw new InvalidContactError([{ ...problem, path: problem.path.slice(1) }]);
    if (COLUMNS.includes(attribute)) {
      return this.queries.setColumn(tx, tenantId, contactIds, attribute as EffectColumn, value as string | null);
    }
    return value === null
      ? this.queries.removeAttribute(tx, tenantId, contactIds, attribute)
      : this.queries.setAttribute(tx, tenantId, contactIds, attribute, value);
  }

  async addTag(tx: Tx, tenantId: string, contactIds: string[], tag: string): Promise<number> {
    return this.queries.addTag(tx, tenantId, contactIds, checkedTag(tag));
  }

  async removeTag(tx: Tx, tenantId: string, contactIds: string[], tag: string): Promise<number> {
    return this.queries.removeTag(tx, tenantId, contactIds, checkedTag(tag));
  }

  /** Adds `by` (a whole number, of either sign); the score stops at the bounds of an integer. Not idempotent. */
  async adjustLeadScore(tx: Tx, tenantId: string, contactIds: string[], by: number): Promise<number> {
    if (!Number.isSafeInteger(by)) throw new InvalidContactError([{ path: 'by', message: 'must be a whole number' }]);
    return by === 0 ? 0 : this.queries.adjustLeadScore(tx, tenantId, contactIds, by);
  }

  /**
   * The person wants no more mail: the contact is unsubscribed and its address suppressed. True if it was subscribed before. The first reason
   * and time stay. Ends its marketing enrolments (`ContactsEvents.onSuppressed`). Locks the contact.
   */
  async unsubscribe(tx: Tx, tenantId: string, contactId: string, input: Unsubscribing): Promise<boolean> {
    const actor: SuppressionActor = { type: input.source === 'page' || input.source === 'one_click' ? 'contact' : 'system', id: null };
    const changed = await this.queries.unsubscribe(tx, tenantId, contactId, { ...input, actor });
    await this.events.contactsSuppressed(tx, tenantId, [contactId], 'unsubscribed');
    return changed;
  }

  /**
   * Puts addresses on the suppression list; answers how many entries that added or made stronger. Contacts with an address suppressed as
   * `unsubscribed` lose their consent with it. Enrolments of contacts with these addresses end (`ContactsEvents.onSuppressed`).
   */
  async suppress(tx: Tx, tenantId: string, entries: NewSuppression[], actor?: SuppressionActor): Promise<number> {
    const { added, changed } = await this.addToList(tx, tenantId, entries, actor);
    return added + changed;
  }

  /** The same, telling apart what was new and what was made stronger. */
  async addToList(
    tx: Tx,
    tenantId: string,
    entries: NewSuppression[],
    actor?: SuppressionActor,
  ): Promise<{ added: number; changed: number }> {
    if (entries.length === 0) return { added: 0, changed: 0 };
    const now = this.clock.now();
    const counts = await this.suppressions.add(tx, tenantId, entries, now, actor);
    const gone = entries.filter(({ reason }) => reason === 'unsubscribed').map(({ email }) => email);
    if (gone.length > 0) await this.queries.unsubscribeByEmail(tx, tenantId, gone, 'suppressed', now);
    const reasons = new Map<string, SuppressionReason>();
    for (const { email, reason } of entries) {
      const key = email.toLowerCase();
      if (reason !== 'unsubscribed' || !reasons.has(key)) reasons.set(key, reason);
    }
    const byReason = new Map<SuppressionReason, string[]>();
    for (const { id, email } of await this.suppressions.contactsWith(tx, tenantId, [...reasons.keys()])) {
      const reason = reasons.get(email) ?? 'manual';
      byReason.set(reason, [...(byReason.get(reason) ?? []), id]);
    }
    for (const [reason, contactIds] of byReason) await this.events.contactsSuppressed(tx, tenantId, contactIds, reason);
    return counts;
  }

  /**
   * Bounces that are not final, and messages that arrived. An address with as many bounces in a row as the tenant allows (`softBounceLimit`), and
   * nothing arrived between or after them, is suppressed as `soft_bounces`. Each bounce must be told once; an arrival may be told again. Answers how
   * many addresses were suppressed.
   */
  async recordSoftBounces(tx: Tx, tenantId: string, told: { bounces: AddressFact[]; arrivals: AddressFact[] }): Promise<number> {
    const { bounces, arrivals } = told;
    if (arrivals.length > 0) await this.suppressions.clearSoftBounces(tx, tenantId, arrivals);
    const counting = afterArrivals(bounces, arrivals);
    if (counting.length === 0) return 0;
    const dead = await this.suppressions.countSoftBounces(tx, tenantId, counting);
    const detail = 'too many soft bounces in a row';
    return this.suppress(
      tx,
      tenantId,
      dead.map((email) => ({ email, reason: 'soft_bounces', source: 'provider', detail })),
    );
  }

  /** Why this address gets no mail, or null. */
  async suppressionReason(tx: Tx, tenantId: string, email: string): Promise<string | null> {
    return (await this.suppressions.reasonFor(tx, tenantId, email))?.reason ?? null;
  }

  async isSuppressed(tx: Tx, tenantId: string, email: string): Promise<boolean> {
    return (await this.suppressionReason(tx, tenantId, email)) !== null;
  }
}

/** What `setAttribute` would refuse, for those who accept it earlier (`actionConfig` of a step). Paths are `<path>.attribute`, `<path>.value`. */
export function setAttributeProblems(attribute: unknown, value: unknown, path: string): Problem[] {
  if (typeof attribute !== 'string') return [{ path: `${path}.attribute`, message: 'must be the name of an attribute' }];
  const isColumn = COLUMNS.includes(attribute);
  const nameFault = isColumn ? null : attributeNameFault(attribute);
  if (nameFault) return [{ path: `${path}.attribute`, message: nameFault }];
  if (value === null) return [];
  const fault = isColumn ? columnFault(attribute, value) : attributeValueFault(value);
  return fault ? [{ path: `${path}.value`, message: fault }] : [];
}

function columnFault(column: string, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text';
  if (column === 'timezone') return isTimeZone(value) ? null : 'is not the name of a time zone, such as Europe/Berlin';
  return value.trim() === '' ? 'must not be blank' : lineFault(value, MAX_NAME_LENGTH);
}

function checkedTag(tag: string): string {
  const fault = tagFault(tag.trim());
  if (fault) throw new InvalidContactError([{ path: 'tag', message: fault }]);
  return tag.trim();
}
