import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { attemptToPost, OutboundHttp, signatureHeaders, type OutgoingMessage, type TimedAttempt } from '../../shared/outbound/index.js';
import { SecretBox } from '../../shared/secret-box.js';
import { webhookSecretContext } from '../steps/index.js';
import { callBody, type CallFacts } from './domain/call-message.js';
import type { ClaimedCall } from './step-calls.queries.js';

/** One request. The same call has the same ids every time; its body tells of the contact as it is when it is sent. */
@Injectable()
export class StepCallSender {
  constructor(
    private readonly http: OutboundHttp,
    private readonly secrets: SecretBox,
    private readonly clock: Clock,
  ) {}

  /** Never throws: what went wrong is the result. */
  send(call: ClaimedCall & CallFacts): Promise<TimedAttempt> {
    return attemptToPost(this.http, () => this.messageOf(call));
  }

  private messageOf(call: ClaimedCall & CallFacts): OutgoingMessage {
    const { url, sealedSecret } = call.action;
    const message = { id: `msg_${call.id}`, sentAt: this.clock.now(), body: callBody(call) };
    const secrets = sealedSecret === undefined ? [] : [this.secretOf(sealedSecret, url)];
    const { 'webhook-signature': signature, ...ids } = signatureHeaders(message, secrets);
    const headers = { ...ids, 'idempotency-key': call.id, ...(signature ? { 'webhook-signature': signature } : {}) };
    return { url, headers, body: message.body };
  }

  private secretOf(sealed: string, url: string): string {
    const secret = this.secrets.open(Buffer.from(sealed, 'base64'), webhookSecretContext(url));
    if (secret === null) throw new Error('the secret of the step was sealed with an APP_SECRET that is not configured any more');
    return secret;
  }
}
