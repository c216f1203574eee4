import { createServer, type Socket } from 'node:net';
import { serve } from '../../support/child.js';
import { Counter } from './counter.js';

/**
 * The cheapest SMTP server there can be: takes every message, counts it, keeps the first. A full server (package smtp-server) costs more than the clients
 * it is to measure.
 */
const counter = new Counter();
const END = Buffer.from('\r\n.\r\n');
const GREETING = '250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 52428800\r\n250 ENHANCEDSTATUSCODES\r\n';

class Session {
  private isData = false;
  private rest: Buffer = Buffer.alloc(0);
  private readonly body: Buffer[] = [];
  private bodyLength = 0;

  constructor(private readonly socket: Socket) {
    socket.write('220 sink ESMTP\r\n');
    socket.on('data', (chunk) => this.take(chunk)).on('error', () => undefined);
  }

  private take(chunk: Buffer): void {
    let data = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    this.rest = Buffer.alloc(0);
    let replies = '';
    while (data.length > 0) {
      const end = this.isData ? data.indexOf(END) : data.indexOf('\r\n');
      if (end < 0) {
        // The end of a message may be cut anywhere: its last bytes are looked at again with the next chunk.
        const keep = this.isData ? Math.min(data.length, END.length - 1) : data.length;
        if (this.isData) this.collect(data.subarray(0, data.length - keep));
        this.rest = data.subarray(data.length - keep);
        break;
      }
      if (this.isData) {
        this.collect(data.subarray(0, end));
        replies += this.finish();
        data = data.subarray(end + END.length);
      } else {
        replies += this.command(data.toString('latin1', 0, Math.min(end, 4)).toUpperCase());
        data = data.subarray(end + 2);
      }
    }
    if (replies) this.socket.write(replies);
  }

  private command(verb: string): string {
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return GREETING;
      case 'DATA':
        this.isData = true;
        return '354 go on\r\n';
      case 'QUIT':
        this.socket.end('221 bye\r\n');
        return '';
      default:
        return '250 2.0.0 ok\r\n';
    }
  }

  private collect(bytes: Buffer): void {
    this.bodyLength += bytes.length;
    if (counter.wantsSample) this.body.push(Buffer.from(bytes));
  }

  private finish(): string {
    this.isData = false;
    const nth = counter.add(this.bodyLength, this.body);
    this.body.length = 0;
    this.bodyLength = 0;
    return `250 2.0.0 Ok: queued as SINK${nth}\r\n`;
  }
}

const server = createServer({ noDelay: true }, (socket) => new Session(socket));
server.listen(0, '127.0.0.1', () => serve(counter.methods(server)));
