import { createServer, type Socket } from 'node:net';
import { serve } from '../../support/child.js';
import { Counter } from './counter.js';

/** `POST /v3/mail/send` as cheap as it gets: reads heads by hand, skips bodies by their length, answers 202. What it checks, the tests check. */
const counter = new Counter();
const HEAD_END = Buffer.from('\r\n\r\n');

class Session {
  private head: Buffer = Buffer.alloc(0);
  private missing = 0;
  private size = 0;
  private readonly body: Buffer[] = [];

  constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.take(chunk)).on('error', () => undefined);
  }

  private take(chunk: Buffer): void {
    let data = chunk;
    while (data.length > 0) {
      if (this.missing === 0) {
        const head = this.head.length > 0 ? Buffer.concat([this.head, data]) : data;
        const end = head.indexOf(HEAD_END);
        if (end < 0) {
          this.head = head;
          return;
        }
        this.head = Buffer.alloc(0);
        this.begin(head.toString('latin1', 0, end));
        data = head.subarray(end + HEAD_END.length);
      }
      const part = data.subarray(0, this.missing);
      if (counter.wantsSample) this.body.push(Buffer.from(part));
      this.missing -= part.length;
      data = data.subarray(part.length);
      if (this.missing === 0) this.finish();
    }
  }

  private begin(head: string): void {
    this.size = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    this.missing = this.size;
    if (!head.startsWith('POST /v3/mail/send') || this.size === 0) this.socket.destroy(new Error('not a message'));
  }

  private finish(): void {
    const nth = counter.add(this.size, this.body);
    this.body.length = 0;
    this.socket.write(`HTTP/1.1 202 Accepted\r\nx-message-id: SG${nth}\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n`);
  }
}

const server = createServer({ noDelay: true }, (socket) => new Session(socket));
server.listen(0, '127.0.0.1', () => serve(counter.methods(server)));
