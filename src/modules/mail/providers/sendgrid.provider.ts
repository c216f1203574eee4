import sendgrid, { type MailDataRequired, type MailService } from '@sendgrid/mail';
import type { Clock } from '../../../shared/clock.js';
import { toAddrSpec } from '../domain/address.js';
import { assertSendable, encodeHeader } from '../domain/mime.js';
import { notSendable, notStarted } from '../domain/outcomes.js';
import { classifySendGrid, type HttpResult } from '../domain/sendgrid-outcome.js';
import { EmailProvider, type MailAddress, type OutgoingMessage, type SendOutcome } from '../mail.types.js';
import { HttpPoster } from './http-post.js';
import { Slots } from './slots.js';

export interface SendGridProviderOptions {
  apiKey: string;
  /** `https://api.sendgrid.com`, `https://api.eu.sendgrid.com`, or a double. */
  baseUrl: string;
  connections: number;
  /** Shorter in tests. */
  timeouts?: Partial<typeof TIMEOUTS>;
}

type Client = Parameters<MailService['setClient']>[0];

const TIMEOUTS = { requestMs: 30_000, waitMs: 15_000 };

/**
 * SendGrid's v3 API through its official package, which builds and validates the payload; the request itself travels over our own kept-alive
 * pool, because the package's HTTP client cannot tell a request that never left from one whose answer was lost. SendGrid has no idempotency
 * key, so the latter is `unknown` until an event carrying our `email_id` (custom argument) settles it.
 *
 * Every message is rendered for its recipient, hence one request each. SendGrid's own open, click and subscription tracking is switched off: it
 * would rewrite our links a second time.
 */
export class SendGridProvider extends EmailProvider {
  readonly name = 'sendgrid';
  readonly maxBatch: number;
  readonly maxConcurrency = 3;
  readonly sendTimeoutMs: number;
  private readonly http: HttpPoster;
  private readonly slots: Slots<HttpPoster>;
  private readonly service: MailService;
  private readonly authorization: string;
  private readonly waitMs: number;
  private closing = false;

  constructor(
    options: SendGridProviderOptions,
    private readonly clock: Clock,
  ) {
    super();
    const timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.http = new HttpPoster(options.baseUrl, options.connections, timeouts.requestMs);
    this.slots = new Slots(Array.from({ length: options.connections }, () => this.http));
    this.maxBatch = Math.min(100, Math.max(10, 2 * options.connections));
    this.waitMs = timeouts.waitMs;
    this.sendTimeoutMs = timeouts.waitMs + timeouts.requestMs;
    this.authorization = `Bearer ${options.apiKey}`;
    this.service = this.createService();
  }

  async send(messages: OutgoingMessage[]): Promise<SendOutcome[]> {
    const waitUntil = performance.now() + this.waitMs;
    return Promise.all(messages.map((message) => this.sendOne(message, waitUntil)));
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.slots.drained();
    await this.http.close();
  }

  private async sendOne(message: OutgoingMessage, waitUntil: number): Promise<SendOutcome> {
    if (this.closing) return notStarted('This process is shutting down.');
    const outcome = await this.slots.use(waitUntil - performance.now(), () => this.request(message));
    return outcome ?? notStarted('No connection to SendGrid came free in time.');
  }

  private async request(message: OutgoingMessage): Promise<SendOutcome> {
    let result: HttpResult;
    try {
      assertSendable(message);
      // What our client below resolves with passes through the package untouched.
      result = (await this.service.send(toSendGrid(message))) as unknown as HttpResult;
    } catch (error) {
      // The client never rejects, so this is a refusal of our checks or of the package's validation: nothing was sent.
      return notSendable(error);
    }
    return classifySendGrid(result, this.clock.now());
  }

  /**
   * The package wants a client with `request()`. It also passes the message's headers as HTTP headers; they are ignored here, since they are in
   * the body already.
   */
  private createService(): MailService {
    const client = {
      request: ({ url, body }: { url: string; body: unknown }): Promise<HttpResult> =>
        this.http.post(
          url,
          {
            authorization: this.authorization,
            'content-type': 'application/json',
            accept: 'application/json',
            'user-agent': 'campaign-engine',
          },
          JSON.stringify(body),
        ),
    };
    // Own instance: the package's default export is one shared object with one shared key.
    const service = new (sendgrid as unknown as { MailService: new () => MailService }).MailService();
    service.setClient(client as unknown as Client);
    return service;
  }
}

function toSendGrid(message: OutgoingMessage): MailDataRequired {
  const headers: Record<string, string> = { 'Message-ID': message.messageId };
  // SendGrid wants header values in ASCII and folds them itself.
  for (const [name, value] of Object.entries(message.headers)) headers[name] = encodeHeader(name, value).replace(/\r\n/g, '');
  return {
    from: toEmailData(message.from, 'sender'),
    to: toEmailData(message.to, 'recipient'),
    ...(message.replyTo ? { replyTo: toEmailData(message.replyTo, 'reply-to') } : {}),
    subject: message.subject,
    content: [
      { type: 'text/plain', value: message.text },
      { type: 'text/html', value: message.html },
    ],
    headers,
    customArgs: {
      email_id: message.emailId,
      tenant_id: message.tenantId,
      ...(message.campaignId === null ? {} : { campaign_id: message.campaignId }),
    },
    trackingSettings: {
      clickTracking: { enable: false, enableText: false },
      openTracking: { enable: false },
      subscriptionTracking: { enable: false },
    },
  };
}

function toEmailData(mailbox: MailAddress, what: string): { email: string; name?: string } {
  const name = mailbox.name?.trim() ?? '';
  return { email: toAddrSpec(mailbox.address, what), ...(name === '' ? {} : { name }) };
}
