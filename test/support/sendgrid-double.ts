import { Ajv, type ErrorObject } from 'ajv';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Arrivals } from './arrivals.js';
import { emitEvents, type EmitOptions, type EventTarget } from './sendgrid-events.js';

export interface SendGridMail {
  personalizations: { to: { email: string; name?: string }[] }[];
  from: { email: string; name?: string };
  reply_to?: { email: string; name?: string };
  subject: string;
  content: { type: string; value: string }[];
  headers?: Record<string, string>;
  custom_args: Record<string, string>;
  tracking_settings: Record<string, { enable: boolean }>;
}

/**
 * What the double does instead of accepting. `accept: true` records the message although the answer says otherwise or never comes.
 * `reset` cuts the connection once the request has been read, `hang` never answers, `raw` writes these bytes and cuts.
 */
export type SendGridAnswer =
  | { status: number; headers?: Record<string, string>; body?: string; accept?: boolean }
  | { reset: true; accept?: boolean }
  | { hang: true; accept?: boolean }
  | { raw: string; accept?: boolean }
  | { delayMs: number; accept?: boolean }
  | undefined
  | void;

export interface SendGridDoubleOptions {
  apiKey?: string;
  /** Asked once per valid request; `nth` counts from 0 over all requests. */
  script?: (request: { nth: number; mail: SendGridMail }) => SendGridAnswer;
  /** One JSON line `{emailId,to,messageId,subject,at}` per accepted message, written before the answer. */
  file?: string;
}

const address = {
  type: 'object',
  required: ['email'],
  properties: { email: { type: 'string', pattern: '^[^@\\s,;<>]+@[^@\\s,;<>]+$' }, name: { type: 'string' } },
  additionalProperties: false,
};
const off = { type: 'object', required: ['enable'], properties: { enable: { const: false } } };
const RESERVED_HEADERS =
  '^([xX]-[sS][gG]-(id|eid)|[rR]eceived|DKIM-Signature|Content-Type|Content-Transfer-Encoding|To|From|Subject|Reply-To|C[cC]|B[cC][cC])$';
const singleLine = { type: 'string', pattern: '^[^\\r\\n]*$' };
const asciiLine = { type: 'string', pattern: '^[\\x20-\\x7e]*$' };
/** What the API documents for one rendered message, and what this product promises on top: custom arguments, and all tracking off. */
const SCHEMA = {
  type: 'object',
  required: ['personalizations', 'from', 'subject', 'content', 'custom_args', 'tracking_settings'],
  additionalProperties: false,
  properties: {
    personalizations: {
      type: 'array',
      minItems: 1,
      maxItems: 1,
      items: {
        type: 'object',
        required: ['to'],
        properties: { to: { type: 'array', minItems: 1, maxItems: 1, items: address } },
        additionalProperties: false,
      },
    },
    from: address,
    reply_to: address,
    subject: { ...singleLine, minLength: 1 },
    content: {
      type: 'array',
      minItems: 2,
      maxItems: 2,
      // The API refuses text/html before text/plain.
      items: [
        {
          type: 'object',
          required: ['type', 'value'],
          properties: { type: { const: 'text/plain' }, value: { type: 'string', minLength: 1 } },
        },
        {
          type: 'object',
          required: ['type', 'value'],
          properties: { type: { const: 'text/html' }, value: { type: 'string', minLength: 1 } },
        },
      ],
    },
    headers: {
      type: 'object',
      propertyNames: { not: { pattern: RESERVED_HEADERS } },
      additionalProperties: asciiLine,
    },
    custom_args: {
      type: 'object',
      required: ['email_id', 'tenant_id'],
      properties: { email_id: { type: 'string' }, tenant_id: { type: 'string' }, campaign_id: { type: 'string' } },
      additionalProperties: false,
    },
    tracking_settings: {
      type: 'object',
      required: ['click_tracking', 'open_tracking', 'subscription_tracking'],
      properties: { click_tracking: off, open_tracking: off, subscription_tracking: off },
    },
  },
};
const validate = new Ajv({ allErrors: true, strict: false }).compile(SCHEMA);

/** An HTTP server that answers `POST /v3/mail/send` as SendGrid does, checks what it is given, and misbehaves on demand. */
export class SendGridDouble {
  readonly messages: SendGridMail[] = [];
  /** Every valid request, accepted or not. */
  requests = 0;
  connections = 0;
  script: SendGridDoubleOptions['script'];
  private readonly sockets = new Set<Socket>();
  private readonly arrivals = new Arrivals(() => this.messages.length);
  private server: Server;

  private constructor(private readonly options: SendGridDoubleOptions) {
    this.script = options.script;
    this.server = createServer((request, response) => void this.handle(request, response));
    this.server.on('connection', (socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    });
  }

  static async start(options: SendGridDoubleOptions = {}): Promise<SendGridDouble> {
    const double = new SendGridDouble(options);
    await new Promise<void>((resolve) => double.server.listen(0, '127.0.0.1', resolve));
    return double;
  }

  get apiKey(): string {
    return this.options.apiKey ?? 'SG.test.key';
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves when `count` messages have been accepted; rejects after `deadlineMs`, saying how many came. */
  waitForCount(count: number, deadlineMs = 10_000): Promise<void> {
    return this.arrivals.waitFor(count, deadlineMs);
  }

  /**
   * Posts signed events about the messages accepted so far (those `which` picks), as the provider would: in calls of up to 500, late, in another
   * order and partly doubled if asked for. Returns how many events were posted.
   */
  emit(options: EmitOptions, which: (mail: SendGridMail) => boolean = () => true): Promise<number> {
    return emitEvents(this.messages.filter(which).map(targetOf), options);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== 'POST' || request.url !== '/v3/mail/send') return refuse(response, 404, [{ message: 'Not Found', field: null }]);
    if (request.headers.authorization !== `Bearer ${this.apiKey}`) {
      return refuse(response, 401, [{ message: 'The provided authorization grant is invalid, expired, or revoked', field: null }]);
    }
    if (request.headers['content-type'] !== 'application/json')
      return refuse(response, 415, [{ message: 'Content-Type should be application/json.', field: null }]);
    const mail = parse(Buffer.concat(chunks));
    if (mail === null) return refuse(response, 400, [{ message: 'Bad Request', field: null }]);
    if (!validate(mail)) return refuse(response, 400, (validate.errors ?? []).map(toSendGridError));
    this.respond(mail as unknown as SendGridMail, request.socket, response);
  }

  private respond(mail: SendGridMail, socket: Socket, response: ServerResponse): void {
    const answer = this.script?.({ nth: this.requests++, mail });
    if (!answer || 'delayMs' in answer) {
      // Taken first and answered later: then its events may be there before the answer is.
      const isTaken = answer?.accept === true;
      if (isTaken) this.keep(mail);
      const accept = (): void => {
        if (!isTaken) this.keep(mail);
        response.writeHead(202, { 'x-message-id': `SG${this.messages.length}` }).end();
      };
      if (answer) setTimeout(accept, answer.delayMs);
      else accept();
      return;
    }
    if (answer.accept) this.keep(mail);
    if ('status' in answer) {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body ?? JSON.stringify({ errors: [{ message: `scripted ${answer.status}`, field: null, help: null }] }));
    } else if ('raw' in answer) {
      socket.end(answer.raw);
    } else if ('reset' in answer) {
      socket.resetAndDestroy();
    }
  }

  private keep(mail: SendGridMail): void {
    if (this.options.file) {
      const line = {
        emailId: mail.custom_args.email_id,
        to: mail.personalizations[0].to[0].email,
        messageId: mail.headers?.['Message-ID'],
        subject: mail.subject,
        at: Date.now(),
      };
      appendFileSync(this.options.file, `${JSON.stringify(line)}\n`);
    }
    this.messages.push(mail);
    this.arrivals.notify();
  }
}

/** What the events of a message carry of it. */
export function targetOf(mail: SendGridMail): EventTarget {
  return { email: mail.personalizations[0].to[0].email, customArgs: mail.custom_args };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

function toSendGridError(error: ErrorObject): { message: string; field: string } {
  return { message: error.message ?? 'invalid', field: error.instancePath.slice(1).replaceAll('/', '.') };
}

function refuse(response: ServerResponse, status: number, errors: { message: string; field: string | null }[]): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: errors.map((e) => ({ ...e, help: null })) }));
}
