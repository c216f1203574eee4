import type { Clock } from '../../../shared/clock.js';
import { notSendable, notStarted } from '../domain/outcomes.js';
import { classifySendGrid } from '../domain/sendgrid-outcome.js';
import { EmailProvider, type OutgoingMessage, type SendOutcome } from '../mail.types.js';
import { HttpPoster } from './http-post.js';
import { SendGridPayloads } from './sendgrid-payload.js';
import { Slots } from './slots.js';

export interface SendGridProviderOptions {
  apiKey: string;
  /** `https://api.sendgrid.com`, `https://api.eu.sendgrid.com`, or a double. */
  baseUrl: string;
  connections: number;
  /** Shorter in tests. */
  timeouts?: Partial<typeof TIMEOUTS>;
}

const TIMEOUTS = { requestMs: 30_000, waitMs: 15_000 };

/**
 * SendGrid's v3 API with payloads of its official package (`SendGridPayloads`); the request itself travels over our own kept-alive
 * pool, because the package's HTTP client cannot tell a request that never left from one whose answer was lost. SendGrid has no idempotency
 * key, so the latter is `unknown` until an event carrying our `email_id` (custom argument) settles it.
 *
 * Every message is rendered for its recipient and has an outcome of its own, hence one request each.
 */
export class SendGridProvider extends EmailProvider {
  readonly name = 'sendgrid';
  readonly maxBatch: number;
  readonly maxConcurrency = 3;
  readonly sendTimeoutMs: number;
  private readonly http: HttpPoster;
  private readonly slots: Slots<HttpPoster>;
  private readonly payloads = new SendGridPayloads();
  private readonly headers: Record<string, string>;
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
    this.headers = {
      authorization: `Bearer ${options.apiKey}`,
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'campaign-engine',
    };
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
    let body: string;
    try {
      body = await this.payloads.bodyOf(message);
    } catch (error) {
      // A refusal of our checks or of the package's validation.
      return notSendable(error);
    }
    return classifySendGrid(await this.http.post('/v3/mail/send', this.headers, body), this.clock.now());
  }
}
