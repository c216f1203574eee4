import { createTransport, type SMTPPoolOptions, type SMTPPoolSentMessageInfo, type Transporter } from 'nodemailer';
import type { Clock } from '../../../shared/clock.js';
import { toAddrSpec } from '../domain/address.js';
import { buildMime } from '../domain/mime.js';
import { accepted, notSendable, notStarted } from '../domain/outcomes.js';
import { classifySmtpFailure } from '../domain/smtp-outcome.js';
import { parseSmtpUrl, type SmtpSettings } from '../domain/smtp-url.js';
import { EmailProvider, type OutgoingMessage, type SendOutcome } from '../mail.types.js';
import { Slots } from './slots.js';

export interface SmtpProviderOptions {
  /** `SMTP_URL`; see `parseSmtpUrl`. */
  url: string;
  /** Connections kept open, unless the URL says `?pool=`. */
  connections: number;
  /** Shorter in tests. */
  timeouts?: Partial<typeof TIMEOUTS>;
}

// RFC 5321 §4.5.3.2 asks for ten minutes of patience after the message; two minutes leave few answers unheard, and waiting and sending
// together stay below the default lease (SEND_LEASE_SECONDS, 150).
const TIMEOUTS = { connectionMs: 10_000, greetingMs: 10_000, socketMs: 120_000, sendMs: 125_000, waitMs: 15_000 };
// nodemailer replaces a connection after this many messages, with a pause of 100 ms; its default of 100 would cost a tenth of the time.
const MESSAGES_PER_CONNECTION = 2_000;

/**
 * Any SMTP relay. No idempotency exists in SMTP, so the guarantee is at most once: a connection lost after the server's 354 is `unknown`.
 *
 * One nodemailer transport per slot, one message at a time each, `maxRequeues: 0` (its default silently sends again). nodemailer's error is the
 * same before and after DATA, therefore every slot watches its protocol log for the reply to DATA.
 */
export class SmtpProvider extends EmailProvider {
  readonly name = 'smtp';
  readonly maxBatch: number;
  readonly maxConcurrency = 3;
  readonly sendTimeoutMs: number;
  private readonly slots: Slots<SmtpSlot>;
  private readonly all: SmtpSlot[];
  private readonly waitMs: number;
  private closing = false;

  constructor(
    options: SmtpProviderOptions,
    private readonly clock: Clock,
  ) {
    super();
    const settings = parseSmtpUrl(options.url);
    const timeouts = { ...TIMEOUTS, ...options.timeouts };
    const connections = settings.pool ?? options.connections;
    this.all = Array.from({ length: connections }, () => new SmtpSlot(settings, timeouts));
    this.slots = new Slots(this.all);
    // Two rounds per connection: enough to keep all busy while a batch is recorded, few enough to lose sight of in a crash.
    this.maxBatch = Math.min(50, Math.max(10, 2 * connections));
    this.waitMs = timeouts.waitMs;
    // The last message of a batch may get its connection just before the wait ends, and then has its own full time.
    this.sendTimeoutMs = timeouts.waitMs + timeouts.sendMs;
  }

  async send(messages: OutgoingMessage[]): Promise<SendOutcome[]> {
    const waitUntil = performance.now() + this.waitMs;
    return Promise.all(messages.map((message) => this.sendOne(message, waitUntil)));
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.slots.drained();
    for (const slot of this.all) slot.close();
  }

  private async sendOne(message: OutgoingMessage, waitUntil: number): Promise<SendOutcome> {
    if (this.closing) return notStarted('This process is shutting down.');
    const waitMs = waitUntil - performance.now();
    const outcome = await this.slots.use(waitMs, (slot) => this.sendOn(slot, message));
    return outcome ?? notStarted('No connection to the mail server came free in time.');
  }

  private async sendOn(slot: SmtpSlot, message: OutgoingMessage): Promise<SendOutcome> {
    let raw: Buffer;
    let envelope: SmtpEnvelope;
    try {
      raw = buildMime(message, this.clock.now());
      envelope = { from: toAddrSpec(message.from.address, 'sender'), to: toAddrSpec(message.to.address, 'recipient'), size: raw.length };
    } catch (error) {
      return notSendable(error);
    }
    return slot.deliver(message.messageId, raw, envelope);
  }
}

/** The addresses of MAIL and RCPT, and the SIZE that lets a server (or nodemailer for it) refuse too large a message at once. */
type SmtpEnvelope = {
  from: string;
  to: string;
  size: number;
};

/** One connection with its own protocol watch. Delivers one message at a time; the caller sees to that. */
class SmtpSlot {
  private readonly transport: Transporter<SMTPPoolSentMessageInfo, SMTPPoolOptions>;
  private readonly watch = new ProtocolWatch();

  constructor(
    settings: SmtpSettings,
    private readonly timeouts: typeof TIMEOUTS,
  ) {
    this.transport = createTransport({
      pool: true,
      maxConnections: 1,
      maxMessages: MESSAGES_PER_CONNECTION,
      maxRequeues: 0,
      host: settings.host,
      port: settings.port,
      secure: settings.secure,
      requireTLS: settings.requireTls,
      ...(settings.name === undefined ? {} : { name: settings.name }),
      ...(settings.user === undefined ? {} : { auth: { user: settings.user, pass: settings.pass ?? '' } }),
      connectionTimeout: timeouts.connectionMs,
      greetingTimeout: timeouts.greetingMs,
      dnsTimeout: timeouts.connectionMs,
      socketTimeout: timeouts.socketMs,
      disableFileAccess: true,
      disableUrlAccess: true,
      transactionLog: true,
      logger: this.watch,
    });
    // The failure of a message arrives through sendMail; without a listener the copy emitted here would end the process.
    this.transport.on('error', () => undefined);
  }

  async deliver(messageId: string, raw: Buffer, envelope: SmtpEnvelope): Promise<SendOutcome> {
    this.watch.begin();
    // Socket time-outs only notice silence; this also ends a server that trickles its replies. Not AbortSignal.timeout(): it could not be
    // cancelled, and two minutes of finished messages would keep their timers.
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.timeouts.sendMs);
    try {
      // The id is in `raw` already; given here too, nodemailer does not make up one of its own.
      const info = await this.transport.sendMail({ envelope, raw, messageId, signal: abort.signal });
      return accepted(info.serverMessageId ?? queueIdOf(info.response));
    } catch (error) {
      const fault = error as { code?: string; command?: string; responseCode?: number; response?: string; message: string };
      return classifySmtpFailure({
        code: fault.code,
        command: fault.command,
        responseCode: fault.responseCode,
        response: fault.response,
        message: fault.message,
        dataAccepted: this.watch.dataAccepted,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.transport.close();
  }
}

/** `250 2.0.0 Ok: queued as 4TkQ…`: what the operator of that server would search for. */
function queueIdOf(reply: string | undefined): string | null {
  return /\bqueued as ([A-Za-z0-9._-]{1,100})/i.exec(reply ?? '')?.[1] ?? null;
}

/**
 * Follows commands and replies of one connection through nodemailer's transaction log (with PIPELINING the replies come later, in order) and
 * remembers whether DATA was answered with go-ahead. Keeps verbs only: no address, credential or content.
 */
class ProtocolWatch {
  dataAccepted = false;
  private session = '';
  private unanswered: string[] = [];

  begin(): void {
    this.dataAccepted = false;
  }

  debug(entry: { tnx?: string; sid?: string }, text: unknown): void {
    if (entry.tnx !== 'client' && entry.tnx !== 'server') return;
    if (entry.sid !== this.session) {
      this.session = entry.sid ?? '';
      this.unanswered = [];
    }
    if (entry.tnx === 'client') {
      this.unanswered.push(String(text).slice(0, 4).toUpperCase());
    } else if (this.unanswered.shift() === 'DATA' && /^[23]/.test(String(text))) {
      this.dataAccepted = true;
    }
  }

  trace(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
  fatal(): void {}
}
