import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';

export type ErasedListener = (tx: Tx, tenantId: string, contactId: string) => Promise<void>;

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

  /** `fn` removes or anonymises what its module keeps about an erased person. Counters and ledgers stay. */
  onErased(fn: ErasedListener): void {
    this.erased.push(fn);
  }

  /** Only for this module. */
  async contactErased(tx: Tx, tenantId: string, contactId: string): Promise<void> {
    for (const listener of this.erased) await listener(tx, tenantId, contactId);
  }
}
