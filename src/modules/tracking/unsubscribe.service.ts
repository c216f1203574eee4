import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { ContactEffects } from '../contacts/index.js';
import { TrackingService } from './tracking.service.js';
import { TrackingTokens } from './tracking-tokens.js';

export type UnsubscribeSource = 'page' | 'one_click';

/** Unsubscribing through the link of a message. */
@Injectable()
export class UnsubscribeService {
  constructor(
    private readonly db: Database,
    private readonly tokens: TrackingTokens,
    private readonly contacts: ContactEffects,
    private readonly tracking: TrackingService,
    private readonly clock: Clock,
  ) {}

  isValid(token: string): boolean {
    return this.tokens.readUnsubscribe(token) !== null;
  }

  /**
   * Unsubscribes the contact of the token and records which message made them do it, in one transaction: once this returns true, the gate lets
   * nothing more through to them. Idempotent; the first time is the one that is recorded. False for a token that is not genuine.
   */
  async unsubscribe(token: string, source: UnsubscribeSource): Promise<boolean> {
    const ref = this.tokens.readUnsubscribe(token);
    if (!ref) return false;
    const { tenantId, emailId, contactId } = ref;
    const at = this.clock.now();
    await this.db.inTenant(tenantId, async (tx) => {
      const changed = await this.contacts.unsubscribe(tx, tenantId, contactId, { reason: 'unsubscribe link', at, source });
      if (!changed) return;
      await this.tracking.append(tx, tenantId, [
        { emailId, type: 'unsubscribed', source, occurredAt: at, dedupeKey: `unsubscribed:${emailId}:${at.getTime()}` },
      ]);
    });
    return true;
  }
}
