import type { Readable, Writable } from 'node:stream';
import SMTPConnection, { type SMTPConnectionSendInfo } from 'nodemailer/lib/smtp-connection';
import type { Clock } from '../../../shared/clock.js';
import type { OutboundGuard } from '../../../shared/outbound/index.js';
import { toAddrSpec } from '../domain/address.js';
import { mimeText } from '../domain/mime.js';
import { accepted, notSendable, notStarted } from '../domain/outcomes.js';
import { classifySmtpFailure } from '../domain/smtp-outcome.js';
import { parseSmtpUrl, type SmtpSettings } from '../domain/smtp-url.js';
import { UnsendableMessageError } from '../mail.errors.js';
import { EmailProvider, type OutgoingMessage, type SendOutcome } from '../mail.types.js';
import { guardedSocket } from './guarded-socket.js';
import { Slots } from './slots.js';

export interface SmtpProviderOptions {
  /** `SMTP_URL` (see `parseSmtpUrl`), or what it would say. */
  url: string | SmtpSettings;
  /** Given for a server that a tenant has chosen: it may lie on the public Internet only. */
  guard?: OutboundGuard;
  /** Connections kept open, unless the URL says `?pool=`. */
  connections: number;
  /** Shorter in tests. */
  timeouts?: Partial<typeof TIMEOUTS>;
}

// RFC 5321 §4.5.3.2 asks for ten minutes of patience after the message; two minutes leave few answers unheard, and waiting and sending
// together stay below the default lease (SEND_LEASE_SECONDS, 150).
const TIMEOUTS = { connectionMs: 10_000, greetingMs: 10_000, socketMs: 120_000, sendMs: 125_000, waitMs: 15_000 };
// Relays recycle connections now and then; so do we, before they do it in the middle of a message.
const MESSAGES_PER_CONNECTION = 2_000;

/** What ends a message (RFC 5321 §4.1.1.4), after the line end that every message of ours has. */
const END_OF_DATA = '.\r\n';

/**
 * Any SMTP relay. No idempotency exists in SMTP, so the guarantee is at most once: a connection lost after the server's 354 is `unknown`.
 *
 * One connection per slot, one message at a time each, and nothing is ever sent again here. nodemailer's error is the same before and after
 * DATA, therefore every slot knows for itself whether it has begun to write the message.
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
    const settings = typeof options.url === 'string' ? parseSmtpUrl(options.url) : options.url;
    const timeouts = { ...TIMEOUTS, ...options.timeouts };
    const connections = settings.pool ?? options.connections;
    this.all = Array.from({ length: connections }, () => new SmtpSlot(settings, timeouts, options.guard));
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
    let ready: ReadyMessage;
    let envelope: SmtpEnvelope;
    try {
      ready = new ReadyMessage(mimeText(message, this.clock.now(), END_OF_DATA));
      envelope = { from: toAddrSpec(message.from.address, 'sender'), to: toAddrSpec(message.to.address, 'recipient'), size: ready.size };
    } catch (error) {
      return notSendable(error);
    }
    return slot.deliver(ready, envelope);
  }
}

/** The addresses of MAIL and RCPT, and the SIZE that lets a server (or nodemailer for it) refuse too large a message at once. */
type SmtpEnvelope = {
  from: string;
  to: string;
  size: number;
};

/**
 * A message with its dots and its end as they go over the wire, for `SMTPConnection.send`, which takes anything that can be piped and pipes it when
 * DATA has been answered with go-ahead. Written past nodemailer's own stream, which looks at every byte for dots and line ends that are not there, and
 * sends the end as a segment of its own (measured: test/bench/README.md).
 */
class ReadyMessage {
  readonly size: number;
  /** From now on the server may have the message, whatever becomes of the connection (RFC 1047). */
  isBegun = false;
  socket: Writable | null = null;
  private readonly encoding: 'latin1' | 'utf8';

  constructor(private readonly wire: string) {
    // No line of ours begins with a dot (mime.spec.ts). One that did would end the message early, and what follows it would be read as commands.
    if (wire.indexOf('\n.') !== wire.length - END_OF_DATA.length - 1)
      throw new UnsendableMessageError('A line of the message begins with a dot.');
    this.size = Buffer.byteLength(wire) - END_OF_DATA.length;
    this.encoding = Buffer.byteLength(wire) === wire.length ? 'latin1' : 'utf8';
  }

  pipe(stream: Readable): void {
    stream.unpipe();
    this.isBegun = true;
    this.socket?.write(this.wire, this.encoding);
  }
}

/**
 * One connection, opened when needed and kept. Delivers one message at a time; the caller sees to that.
 *
 * On nodemailer's `SMTPConnection`, not on its transports: these compile, parse and stream even a ready-made message through some ten objects
 * of their own, which costs more than everything else this process does for it (measured: test/bench/README.md).
 */
class SmtpSlot {
  private connection: SMTPConnection | null = null;
  private delivered = 0;

  constructor(
    private readonly settings: SmtpSettings,
    private readonly timeouts: typeof TIMEOUTS,
    private readonly guard?: OutboundGuard,
  ) {}

  async deliver(message: ReadyMessage, envelope: SmtpEnvelope): Promise<SendOutcome> {
    let timer: NodeJS.Timeout | undefined;
    // Socket time-outs only notice silence; this also ends a server that trickles its replies.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(Object.assign(new Error('The mail server took too long.'), { code: 'ETIMEDOUT' })),
        this.timeouts.sendMs,
      );
    });
    try {
      const info = await Promise.race([this.transact(message, envelope), late]);
      if (++this.delivered >= MESSAGES_PER_CONNECTION) this.drop();
      return accepted(info.serverMessageId ?? queueIdOf(info.response));
    } catch (error) {
      await this.recover(error as { responseCode?: number });
      const fault = error as { code?: string; command?: string; responseCode?: number; response?: string; message: string };
      return classifySmtpFailure({
        code: fault.code,
        command: fault.command,
        responseCode: fault.responseCode,
        response: fault.response,
        message: fault.message,
        dataAccepted: message.isBegun,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    const { connection } = this;
    this.connection = null;
    if (!connection) return;
    connection.quit();
    // A server that does not answer QUIT does not keep the process.
    setTimeout(() => connection.close(), 500).unref();
  }

  private async transact(message: ReadyMessage, envelope: SmtpEnvelope): Promise<SMTPConnectionSendInfo> {
    const connection = (this.connection ??= await this.open());
    // After STARTTLS another one than it began with.
    message.socket = connection._socket || null;
    return new Promise((resolve, reject) => {
      connection.send(envelope, message as unknown as Readable, (error, info) =>
        error ? reject(error) : resolve(info as SMTPConnectionSendInfo),
      );
    });
  }

  /** Connected, greeted and logged in. */
  private async open(): Promise<SMTPConnection> {
    const { settings, timeouts, guard } = this;
    const socket = guard && (await guardedSocket(guard, settings.host, settings.port, timeouts.connectionMs));
    const connection = new SMTPConnection({
      host: settings.host,
      port: settings.port,
      secure: settings.secure,
      requireTLS: settings.requireTls,
      ...(settings.name === undefined ? {} : { name: settings.name }),
      connectionTimeout: timeouts.connectionMs,
      greetingTimeout: timeouts.greetingMs,
      dnsTimeout: timeouts.connectionMs,
      socketTimeout: timeouts.socketMs,
      ...(socket ? { connection: socket } : {}),
    });
    this.delivered = 0;
    try {
      await new Promise<void>((resolve, reject) => {
        connection.on('error', reject);
        connection.once('end', () => {
          // A server may end a connection that has nothing to do; the next message opens another.
          if (this.connection === connection) this.connection = null;
          reject(Object.assign(new Error('The mail server closed the connection.'), { code: 'ECONNECTION', command: 'CONN' }));
        });
        connection.connect((error) => {
          if (error) return reject(error);
          if (settings.user === undefined || !connection.allowsAuth) return resolve();
          const credentials = { user: settings.user, pass: settings.pass ?? '' };
          connection.login({ user: settings.user, credentials }, (failure) => (failure ? reject(failure) : resolve()));
        });
      });
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /** A server that answered, if only to refuse, keeps its connection: RSET clears the transaction (RFC 5321 §4.1.1.5). */
  private async recover({ responseCode }: { responseCode?: number }): Promise<void> {
    const { connection } = this;
    if (!connection || responseCode === undefined || responseCode === 421) return this.drop();
    let timer: NodeJS.Timeout | undefined;
    const isReset = await new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.timeouts.greetingMs);
      connection.once('end', () => resolve(false));
      connection.reset((error) => resolve(!error));
    });
    clearTimeout(timer);
    if (!isReset) this.drop();
  }

  private drop(): void {
    this.connection?.close();
    this.connection = null;
  }
}

/** `250 2.0.0 Ok: queued as 4TkQ…`: what the operator of that server would search for. */
function queueIdOf(reply: string | undefined): string | null {
  return /\bqueued as ([A-Za-z0-9._-]{1,100})/i.exec(reply ?? '')?.[1] ?? null;
}
