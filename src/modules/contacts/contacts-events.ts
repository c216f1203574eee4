import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { SuppressionReason } from './domain/suppression.js';

export type ErasedListener = (tx: Tx, tenantId: string, contactId: string) => Promise<void>;
export type SuppressionsCommittedListener = (tenantId: string) => Promise<void>;
export type SuppressedListener = (tx: Tx, tenantId: string, contactIds: string[], reason: SuppressionReason) => Promise<void>;

/**
 * How modules of a higher rank hear what happens to contacts, without this one knowing them. Register in `onModuleInit`:
 *
 *     events.onErased((tx, tenantId, contactId) => this.enrollments.exit(tx, tenantId, { contactIds: [contactId] }, 'contact_deleted', now));
 *
 * Listeners run one after the other inside the transaction of the change, after the contact's own rows are done: what they throw undoes it
 * all, so they do nothing but SQL and finish fast.
 */
@Injectable()
export class ContactsEvents {
  private readonly erased: ErasedListener[] = [];
  private readonly suppressed: SuppressedListener[] = [];
  private readonly committed: SuppressionsCommittedListener[] = [];

  /** `fn` removes or anonymises what its module keeps about an erased person. Counters and ledgers stay. */
  onErased(fn: ErasedListener): void {
    this.erased.push(fn);
  }

  /**
   * `fn` stops what goes on for contacts that must not be mailed any more. `unsubscribed` means marketing only; every other reason means everything.
   * Called again when an address is suppressed that was so before: it must be safe to repeat.
   */
  onSuppressed(fn: SuppressedListener): void {
    this.suppressed.push(fn);
  }

  /** `fn` runs after somebody's suppressions are committed and before they are told so, in no transaction: what began before may be waited for. */
  onSuppressionsCommitted(fn: SuppressionsCommittedListener): void {
    this.committed.push(fn);
  }

  /** For whoever has committed that somebody wants no more mail, before telling them so. In no transaction. */
  async suppressionsCommitted(tenantId: string): Promise<void> {
    for (const listener of this.committed) await listener(tenantId);
  }

  /** Only for this module. */
  async contactErased(tx: Tx, tenantId: string, contactId: string): Promise<void> {
    for (const listener of this.erased) await listener(tx, tenantId, contactId);
  }

  /** Only for this module. */
  async contactsSuppressed(tx: Tx, tenantId: string, contactIds: string[], reason: SuppressionReason): Promise<void> {
    if (contactIds.length === 0) return;
    for (const listener of this.suppressed) await listener(tx, tenantId, contactIds, reason);
  }
}
