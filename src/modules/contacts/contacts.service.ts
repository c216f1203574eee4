import { Injectable } from '@nestjs/common';
import { Database, sqlState, type Tx } from '../../database/index.js';
import { assertIfMatch, decodeIdCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { ContactEffectsQueries } from './contact-effects.queries.js';
import { ContactsEvents } from './contacts-events.js';
import { ContactExistsError, ContactNotFoundError, ContactSuppressedError, InvalidContactError } from './contacts.errors.js';
import { ContactsQueries, type ContactFields, type ContactFilter, type ContactView } from './contacts.queries.js';
import { erasedAddress } from './domain/address.js';
import { MAX_ATTRIBUTES, mergeAttributes, withoutNulls, type AttributesPatch } from './domain/attributes.js';
import { MAX_TAGS } from './domain/text.js';
import { SuppressionsQueries } from './suppressions.queries.js';

export interface ContactInput extends Partial<Omit<ContactFields, 'attributes'>> {
  attributes?: AttributesPatch;
  tags?: string[];
  subscribed?: boolean;
}

const UNIQUE_VIOLATION = '23505';

/** The audience, one contact at a time. The audit log names what was done, never what a contact says: it would outlive an erasure. */
@Injectable()
export class ContactsService {
  constructor(
    private readonly db: Database,
    private readonly queries: ContactsQueries,
    private readonly effects: ContactEffectsQueries,
    private readonly suppressions: SuppressionsQueries,
    private readonly events: ContactsEvents,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** For other modules: the contact, in their transaction. Throws `ContactNotFoundError`, also for an erased one. */
  async get(tx: Tx, tenantId: string, contactId: string): Promise<ContactView> {
    const contact = await this.queries.find(tx, tenantId, contactId);
    if (!contact) throw new ContactNotFoundError();
    return contact;
  }

  async list({ tenantId }: TenantContext, query: ContactFilter & { limit: number; cursor?: string }): Promise<Page<ContactView>> {
    const before = decodeIdCursor(query.cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, query, before, query.limit + 1));
    return keysetPage(found, query.limit, ({ id }) => ({ id }));
  }

  async show({ tenantId }: TenantContext, id: string): Promise<ContactView> {
    return this.db.inTenant(tenantId, (tx) => this.get(tx, tenantId, id));
  }

  /** An address that unsubscribed or was erased before starts unsubscribed, whatever the input says. */
  async create(ctx: TenantContext, input: ContactInput & { email: string }): Promise<ContactView> {
    const id = this.ids.uuid();
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      if (!(await this.queries.insert(tx, tenantId, { id, ...fieldsOf(input) }))) throw await this.taken(tx, tenantId, input.email);
      if (input.tags?.length) await this.queries.addTags(tx, tenantId, id, cleanTags(input.tags));
      const suppression = await this.suppressions.reasonFor(tx, tenantId, input.email);
      const saidNo = suppression && ['unsubscribed', 'erased'].includes(suppression.reason) ? suppression : null;
      if (input.subscribed === false || saidNo) {
        const at = saidNo?.createdAt ?? this.clock.now();
        await this.effects.unsubscribe(tx, tenantId, id, { reason: saidNo?.reason ?? 'created so', at, source: 'api', actor: ctx.actor });
      }
      await this.audit.record(tx, ctx, { action: 'contact.created', entityType: 'contact', entityId: id });
      return this.get(tx, tenantId, id);
    });
  }

  async update(ctx: TenantContext, id: string, input: ContactInput, ifMatch: string | undefined): Promise<ContactView> {
    try {
      const patch = (tx: Tx, contact: ContactView) => this.applyPatch(tx, ctx, contact, input);
      const updated = await this.change(ctx, id, 'contact.updated', patch, { ifMatch, fields: Object.keys(input) });
      if (input.subscribed === false) await this.events.suppressionsCommitted(ctx.tenantId);
      return updated;
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION || input.email === undefined) throw error;
      const { email } = input;
      throw await this.db.inTenant(ctx.tenantId, (tx) => this.taken(tx, ctx.tenantId, email));
    }
  }

  /** Idempotent: the first reason and time stay. When it returns, no marketing message to them passes the gate any more. */
  async unsubscribe(ctx: TenantContext, id: string, reason: string | undefined): Promise<ContactView> {
    const contact = await this.change(ctx, id, 'contact.unsubscribed', async (tx) => {
      return this.takeConsent(tx, ctx, id, reason ?? 'unsubscribed by the API');
    });
    await this.events.suppressionsCommitted(ctx.tenantId);
    return contact;
  }

  async addTags(ctx: TenantContext, id: string, tags: string[]): Promise<ContactView> {
    return this.change(ctx, id, 'contact.tagged', async (tx, contact) => {
      const added = cleanTags(tags);
      assertTagCount(new Set([...contact.tags, ...added]).size);
      return (await this.queries.addTags(tx, ctx.tenantId, id, added)) > 0;
    });
  }

  /** A tag the contact does not have is no fault. */
  async removeTag(ctx: TenantContext, id: string, tag: string): Promise<ContactView> {
    return this.change(ctx, id, 'contact.untagged', async (tx) => (await this.queries.removeTag(tx, ctx.tenantId, id, tag.trim())) > 0);
  }

  /**
   * Erases the person (GDPR article 17): the row stays for the counters and the ledger with nothing personal on it; tags and events go;
   * listeners of `ContactsEvents.onErased` do the same for their modules. The address stays on the suppression list, and only there, so that
   * an old list imported again does not mail somebody who asked to be forgotten.
   */
  async erase(ctx: TenantContext, id: string): Promise<void> {
    const { tenantId } = ctx;
    const now = this.clock.now();
    await this.db.inTenant(tenantId, async (tx) => {
      const contact = await this.locked(tx, tenantId, id);
      await this.queries.anonymise(tx, tenantId, id, erasedAddress(id), now);
      await this.queries.keepTags(tx, tenantId, id, []);
      await this.queries.deleteEvents(tx, tenantId, id);
      await this.suppressions.markErased(tx, tenantId, contact.email, now, ctx.actor);
      await this.events.contactErased(tx, tenantId, id);
      await this.audit.record(tx, ctx, { action: 'contact.erased', entityType: 'contact', entityId: id });
    });
  }

  /** Runs `fn` on the locked contact, audits it if it changed something, and answers the contact as it is then. */
  private async change(
    ctx: TenantContext,
    id: string,
    action: string,
    fn: (tx: Tx, contact: ContactView) => Promise<boolean>,
    { ifMatch, fields }: { ifMatch?: string; fields?: string[] } = {},
  ): Promise<ContactView> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const contact = await this.locked(tx, ctx.tenantId, id);
      assertIfMatch(ifMatch, contact);
      if (!(await fn(tx, contact))) return contact;
      // The names of what was given, not the values: the log outlives the person's erasure.
      await this.audit.record(tx, ctx, { action, entityType: 'contact', entityId: id, after: fields && { fields } });
      return this.get(tx, ctx.tenantId, id);
    });
  }

  private async applyPatch(tx: Tx, ctx: TenantContext, contact: ContactView, input: ContactInput): Promise<boolean> {
    const { tenantId } = ctx;
    const fields = fieldsOf(input, contact);
    const fieldsChange = JSON.stringify(fields) !== JSON.stringify(fieldsOf({}, contact));
    if (fieldsChange) await this.queries.update(tx, tenantId, contact.id, fields);
    const tagsChange = input.tags !== undefined && (await this.replaceTags(tx, tenantId, contact, cleanTags(input.tags)));
    const consentChange = input.subscribed !== undefined && (await this.setConsent(tx, ctx, contact, fields.email, input.subscribed));
    return fieldsChange || tagsChange || consentChange;
  }

  private async replaceTags(tx: Tx, tenantId: string, contact: ContactView, tags: string[]): Promise<boolean> {
    const removed = await this.queries.keepTags(tx, tenantId, contact.id, tags);
    return (await this.queries.addTags(tx, tenantId, contact.id, tags)) + removed > 0;
  }

  private async setConsent(tx: Tx, ctx: TenantContext, contact: ContactView, email: string, subscribed: boolean): Promise<boolean> {
    const { tenantId, actor } = ctx;
    if (subscribed === contact.subscribed) return false;
    if (!subscribed) return this.takeConsent(tx, ctx, contact.id, 'unsubscribed by the API');
    const suppression = await this.suppressions.reasonFor(tx, tenantId, email);
    if (suppression && suppression.reason !== 'unsubscribed') throw new ContactSuppressedError(suppression.reason);
    const removal = { email, only: 'unsubscribed', source: 'api', detail: 'subscribed again', now: this.clock.now(), actor } as const;
    await this.suppressions.remove(tx, tenantId, removal);
    return (await this.effects.subscribe(tx, tenantId, contact.id)) > 0;
  }

  private async takeConsent(tx: Tx, { tenantId, actor }: TenantContext, id: string, reason: string): Promise<boolean> {
    const changed = await this.effects.unsubscribe(tx, tenantId, id, { reason, at: this.clock.now(), source: 'api', actor });
    await this.events.contactsSuppressed(tx, tenantId, [id], 'unsubscribed');
    return changed;
  }

  private async locked(tx: Tx, tenantId: string, id: string): Promise<ContactView> {
    const contact = await this.queries.lock(tx, tenantId, id);
    if (!contact) throw new ContactNotFoundError();
    return contact;
  }

  private async taken(tx: Tx, tenantId: string, email: string): Promise<ContactExistsError> {
    const existing = await this.queries.findIdByEmail(tx, tenantId, email);
    return new ContactExistsError(existing ?? 'erased meanwhile');
  }
}

/** The fields with the input laid over them. Throws where the attributes become too many. */
function fieldsOf(input: ContactInput, current?: ContactView): ContactFields {
  const attributes = current ? mergeAttributes(current.attributes, input.attributes ?? {}) : withoutNulls(input.attributes ?? {});
  if (Object.keys(attributes).length > MAX_ATTRIBUTES) {
    throw new InvalidContactError([{ path: 'attributes', message: `would be more than ${MAX_ATTRIBUTES}` }]);
  }
  return {
    email: input.email ?? current?.email ?? '',
    firstName: overlaid(input.firstName, current?.firstName),
    lastName: overlaid(input.lastName, current?.lastName),
    timezone: overlaid(input.timezone, current?.timezone),
    leadScore: input.leadScore ?? current?.leadScore ?? 0,
    attributes,
  };
}

function overlaid(given: string | null | undefined, current: string | null | undefined): string | null {
  return given === undefined ? (current ?? null) : (given?.trim() ?? null);
}

function cleanTags(tags: string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim()))];
}

function assertTagCount(count: number): void {
  if (count > MAX_TAGS) throw new InvalidContactError([{ path: 'tags', message: `would be more than ${MAX_TAGS}` }]);
}
