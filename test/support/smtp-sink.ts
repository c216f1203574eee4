import { appendFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { Arrivals } from './arrivals.js';

/** Where in the dialogue the script is asked. `DATA` is before the 354, `MESSAGE` after the final dot and before its answer. */
export type SmtpVerb = 'CONNECT' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'MESSAGE';

/**
 * What the sink does instead of agreeing. `drop` cuts the connection without an answer; at `MESSAGE`, `accept: true` records the message first
 * (taken, but the answer is lost). `hang` never answers.
 */
export type SmtpAnswer =
  | { code: number; message?: string }
  | { drop: true; accept?: boolean }
  | { hang: true; accept?: boolean }
  | { delayMs: number }
  | undefined
  | void;

export interface SmtpQuestion {
  verb: SmtpVerb;
  /** The envelope address of MAIL and RCPT; the recipient for DATA and MESSAGE. */
  address: string;
  /** How often this verb has been asked before, over all connections. */
  nth: number;
}

export interface SinkMessage {
  from: string;
  to: string[];
  raw: Buffer;
}

export interface SmtpSinkOptions {
  script?: (question: SmtpQuestion) => SmtpAnswer;
  /** One JSON line `{from,to,messageId,subject,at}` per accepted message, written before the 250: the truth that survives any crash of the sender. */
  file?: string;
  /** Remembers so many messages at most (all by default); the others are counted only. */
  keep?: number;
  /** Require AUTH with these credentials. */
  auth?: { user: string; pass: string };
}

interface SinkConnection {
  session: SMTPServerSession;
  _socket?: Socket;
  _parser?: { continue(): void };
  send(code: number, text: string): void;
  handler_DATA(command: Buffer, callback: () => void): void;
}

/** A real SMTP server on the loopback for tests: keeps what it accepts and misbehaves on demand. */
export class SmtpSink {
  readonly messages: SinkMessage[] = [];
  script: SmtpSinkOptions['script'];
  connections = 0;
  private forgotten = 0;
  private readonly asked = new Map<SmtpVerb, number>();
  private readonly arrivals = new Arrivals(() => this.accepted);

  private constructor(
    private readonly server: SMTPServer,
    private readonly options: SmtpSinkOptions,
  ) {
    this.script = options.script;
  }

  static async start(options: SmtpSinkOptions = {}): Promise<SmtpSink> {
    let sink: SmtpSink | undefined = undefined;
    const self = (): SmtpSink => sink as unknown as SmtpSink;
    const server = new SMTPServer({
      disabledCommands: options.auth ? ['STARTTLS'] : ['STARTTLS', 'AUTH'],
      authOptional: options.auth === undefined,
      disableReverseLookup: true,
      allowInsecureAuth: true,
      size: 20 * 1024 * 1024,
      closeTimeout: 200,
      logger: false,
      onConnect: (session, callback) => self().connected(session, callback),
      onAuth: (auth, session, callback) => {
        self().answer('AUTH', auth.username ?? '', session, (error) => {
          if (error) return callback(error);
          const valid = auth.username === options.auth?.user && auth.password === options.auth?.pass;
          if (valid) return callback(null, { user: auth.username });
          callback(reply(535, '5.7.8 Authentication credentials invalid'));
        });
      },
      onMailFrom: (address, session, callback) => self().answer('MAIL', address.address, session, callback),
      onRcptTo: (address, session, callback) => self().answer('RCPT', address.address, session, callback),
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => self().received(Buffer.concat(chunks), session, callback));
      },
    });
    // A client that goes away in mid-sentence is what many tests are about.
    server.on('error', () => undefined);
    sink = new SmtpSink(server, options);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get accepted(): number {
    return this.messages.length + this.forgotten;
  }

  get port(): number {
    return (this.server.server.address() as AddressInfo).port;
  }

  /** An `SMTP_URL` for this sink. */
  url(query = ''): string {
    const login = this.options.auth ? `${encodeURIComponent(this.options.auth.user)}:${encodeURIComponent(this.options.auth.pass)}@` : '';
    return `smtp://${login}127.0.0.1:${this.port}${query}`;
  }

  /** Resolves when `count` messages have been accepted; rejects after `deadlineMs`, saying how many came. */
  waitForCount(count: number, deadlineMs = 10_000): Promise<void> {
    return this.arrivals.waitFor(count, deadlineMs);
  }

  async stop(): Promise<void> {
    for (const connection of this.all()) connection._socket?.destroy();
    await new Promise<void>((resolve) => this.server.close(resolve));
  }

  private all(): SinkConnection[] {
    return [...this.server.connections] as unknown as SinkConnection[];
  }

  private connected(session: SMTPServerSession, callback: (error?: Error | null) => void): void {
    this.connections += 1;
    const connection = this.all().find((c) => c.session === session);
    if (connection) {
      // smtp-server asks nobody before its 354, but servers do refuse there.
      const original = connection.handler_DATA.bind(connection);
      connection.handler_DATA = (command, done) => {
        const to = session.envelope.rcptTo[0]?.address ?? '';
        if (to === '') return original(command, done);
        this.answer('DATA', to, session, (error) => {
          if (!error) return original(command, done);
          connection.send((error as Error & { responseCode: number }).responseCode, error.message);
          done();
        });
      };
    }
    this.answer('CONNECT', '', session, callback);
  }

  private received(raw: Buffer, session: SMTPServerSession, callback: (error?: Error | null, message?: string) => void): void {
    const from = session.envelope.mailFrom;
    const message = { from: from === false ? '' : from.address, to: session.envelope.rcptTo.map((r) => r.address), raw };
    const answer = this.ask('MESSAGE', message.to[0] ?? '');
    if (answer && 'code' in answer) return callback(reply(answer.code, answer.message));
    if (answer && ('drop' in answer || 'hang' in answer)) {
      if (answer.accept) this.keep(message);
      if ('drop' in answer) this.cut(session);
      return;
    }
    const finish = (): void => {
      this.keep(message);
      callback(null, `2.0.0 Ok: queued as SINK${this.accepted}`);
    };
    if (answer && 'delayMs' in answer) setTimeout(finish, answer.delayMs);
    else finish();
  }

  private keep(message: SinkMessage): void {
    if (this.options.file) {
      const head = message.raw.toString('latin1');
      const header = (name: string): string => new RegExp(`^${name}: (.*?)\\r?$`, 'im').exec(head)?.[1] ?? '';
      const line = { from: message.from, to: message.to, messageId: header('Message-ID'), subject: header('Subject'), at: Date.now() };
      appendFileSync(this.options.file, `${JSON.stringify(line)}\n`);
    }
    if (this.messages.length < (this.options.keep ?? Infinity)) this.messages.push(message);
    else this.forgotten += 1;
    this.arrivals.notify();
  }

  private answer(verb: SmtpVerb, address: string, session: SMTPServerSession, callback: (error?: Error | null) => void): void {
    const answer = this.ask(verb, address);
    if (!answer) return callback();
    if ('code' in answer) return callback(reply(answer.code, answer.message));
    if ('drop' in answer) return this.cut(session);
    if ('hang' in answer) return;
    setTimeout(callback, answer.delayMs);
  }

  private ask(verb: SmtpVerb, address: string): SmtpAnswer {
    const nth = this.asked.get(verb) ?? 0;
    this.asked.set(verb, nth + 1);
    return this.script?.({ verb, address, nth });
  }

  private cut(session: SMTPServerSession): void {
    this.all()
      .find((c) => c.session === session)
      ?._socket?.destroy();
  }
}

function reply(code: number, message = 'scripted'): Error {
  return Object.assign(new Error(message), { responseCode: code });
}
