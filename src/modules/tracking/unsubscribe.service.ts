import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { ContactEffects, ContactsEvents } from '../contacts/index.js';
import { machineReason } from './domain/machine.js';
import { HitBuffer } from './hit-buffer.js';
import { USER_AGENT_LENGTH, type Hit } from './hits.service.js';
import { TrackingService } from './tracking.service.js';
import { TrackingTokens } from './tracking-tokens.js';

export type UnsubscribeSource = 'page' | 'one_click';

/** Unsubscribing through the link of a message. */
@Injectable()
export class UnsubscribeService {
  private readonly logger = new Logger('Tracking');

  constructor(
    private readonly db: Database,
    private readonly tokens: TrackingTokens,
    private readonly contacts: ContactEffects,
    private readonly events: ContactsEvents,
    private readonly tracking: TrackingService,
    private readonly buffer: HitBuffer,
    private readonly clock: Clock,
  ) {}

  /**
   * Whether the token is genuine. That its page was asked for is recorded, because scanners ask for it along with every other link of a message;
   * for the contact it changes nothing. The page must be there for whoever wants to leave: it does not depend on the record.
   */
  async view(token: string, hit: Hit): Promise<boolean> {
    const ref = this.tokens.readUnsubscribe(token);
    if (!ref) return false;
    const { tenantId, emailId } = ref;
    const at = this.clock.now().getTime();
    const who = { machineReason: machineReason(hit), userAgent: hit.userAgent?.slice(0, USER_AGENT_LENGTH) ?? null };
    if (!hit.isHead) {
      const view = { tenantId, emailId, type: 'unsubscribe_viewed', at, linkId: null, url: null, ...who } as const;
      await this.buffer.record(view).catch((error: unknown) => {
        this.logger.warn(`A look at the unsubscribe page was not recorded: ${(error as Error).message}`);
      });
    }
    return true;
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
    const isNew = await this.db.inTenant(tenantId, async (tx) => {
      const changed = await this.contacts.unsubscribe(tx, tenantId, contactId, { reason: 'unsubscribe link', at, source });
      if (!changed) return false;
      await this.tracking.append(tx, tenantId, [
        { emailId, type: 'unsubscribed', source, occurredAt: at, dedupeKey: `unsubscribed:${emailId}:${at.getTime()}` },
      ]);
      return true;
    });
    if (isNew) {
      await this.events.suppressionsCommitted(tenantId).catch((error: unknown) => {
        // Their no is committed, and that is what they asked for.
        this.logger.warn(`Gates that were open when somebody unsubscribed were not waited for: ${(error as Error).message}`);
      });
    }
    return true;
  }
}
