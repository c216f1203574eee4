import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { autoReplyReason } from './domain/auto-reply.js';
import type { ReplyResult } from './dto/webhook.dto.js';
import { readInboundMail, type InboundMail } from './inbound-mail.js';
import { TrackingService } from './tracking.service.js';
import { TrackingTokens } from './tracking-tokens.js';
import { WebhookInboxQueries } from './webhook-inbox.queries.js';
import { InboundSecretError, WebhookNotConfiguredError } from './webhook.errors.js';

export interface InboundCall {
  /** What the caller presented: the password of HTTP Basic or the last part of the path. */
  secret: string | undefined;
  contentType: string | undefined;
  body: Buffer;
}

/** Answers to our messages: whose they are, and whether a person wrote them. What they say is not kept. */
@Injectable()
export class RepliesService {
  private readonly secret: string | undefined;

  constructor(
    config: AppConfig,
    private readonly db: Database,
    private readonly tokens: TrackingTokens,
    private readonly tracking: TrackingService,
    private readonly queries: WebhookInboxQueries,
    private readonly clock: Clock,
  ) {
    this.secret = config.replies.webhookSecret;
  }

  /**
   * Records one incoming mail before it returns; the same mail (by its Message-ID) twice is recorded once. Mail that is no answer to a message
   * of ours is an outcome, not a fault: anybody can write to any address.
   */
  async receive(call: InboundCall): Promise<ReplyResult> {
    this.authenticate(call.secret);
    const mail = readInboundMail(call.contentType, call.body);
    const message = this.tokens.readReply(mail.recipients);
    if (!message) return 'unknown_address';
    const reason = autoReplyReason(mail);
    const type = reason === null ? 'replied' : 'auto_replied';
    const { tenantId, emailId } = message;
    const dedupeKey = `reply:${emailId}:${identityOf(mail)}`;
    const event = { emailId, type, source: 'inbound', dedupeKey, occurredAt: this.clock.now() } as const;
    return this.db.inTenant(tenantId, async (tx) => {
      if (await this.queries.isKnown(tx, tenantId, dedupeKey)) return 'repeated';
      await this.tracking.append(tx, tenantId, [{ ...event, isMachine: reason !== null, machineReason: reason }]);
      return type;
    });
  }

  private authenticate(presented: string | undefined): void {
    if (this.secret === undefined) throw new WebhookNotConfiguredError('REPLY_WEBHOOK_SECRET is not set');
    if (presented === undefined || !timingSafeEqual(digest(presented), digest(this.secret))) throw new InboundSecretError();
  }
}

/** One mail is one Message-ID; where it has none, what it says about itself. */
function identityOf({ headers }: InboundMail): string {
  const id = headers.get('message-id')?.[0];
  const identity = id ?? ['from', 'date', 'subject'].map((name) => headers.get(name)?.[0] ?? '').join('\n');
  return digest(identity).toString('base64url');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
