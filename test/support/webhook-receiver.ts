import { createHmac } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  path: string;
  id: string;
  headers: Record<string, string>;
  raw: string;
  body: { type: string; timestamp: string; data: Record<string, any> };
}

type Answer = { status: number; headers?: Record<string, string> } | 'never';

/** A tenant's program, over real HTTP. Answers 204 unless a path is told otherwise. */
export class WebhookReceiver {
  readonly received: ReceivedWebhook[] = [];
  private readonly answers = new Map<string, (nth: number) => Answer>();
  private readonly server = createServer((request, response) => void this.take(request, response));

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  /** `nth` counts the calls of this path, from 1. */
  answer(path: string, how: (nth: number) => Answer): void {
    this.answers.set(path, how);
  }

  at(path: string): ReceivedWebhook[] {
    return this.received.filter((webhook) => webhook.path === path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = '';
    for await (const chunk of request.setEncoding('utf8')) raw += chunk;
    const path = request.url ?? '';
    const headers = request.headers as Record<string, string>;
    this.received.push({ path, id: headers['webhook-id'], headers, raw, body: JSON.parse(raw) });
    const answer = this.answers.get(path)?.(this.at(path).length) ?? { status: 204 };
    if (answer === 'never') return;
    response.writeHead(answer.status, answer.headers).end();
  }
}

/** Verifies as the libraries of Standard Webhooks do: any of the signatures may be the right one. */
export function isSignedWith(secret: string, { headers, raw }: ReceivedWebhook): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${raw}`).digest('base64');
  return headers['webhook-signature'].split(' ').some((signature) => signature === `v1,${expected}`);
}
