import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

type Zone = Record<string, string | string[] | { cname: string } | 'SERVFAIL' | 'SILENT'>;

const TXT = 16;
const CNAME = 5;
const NXDOMAIN = 3;
const SERVFAIL = 2;

/** A name server of the tests: real datagrams on a port of its own. Names that are not in its zone do not exist. */
export class DnsDouble {
  /** Text of each TXT record under a name; `SILENT` answers nothing at all. */
  zone: Zone = {};
  /** Names asked for, in order. */
  readonly asked: string[] = [];

  private constructor(
    private readonly socket: Socket,
    readonly address: string,
  ) {}

  static async start(): Promise<DnsDouble> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const double = new DnsDouble(socket, `127.0.0.1:${(socket.address() as AddressInfo).port}`);
    socket.on('message', (query, from) => double.answer(query, from));
    return double;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }

  private answer(query: Buffer, from: RemoteInfo): void {
    const { name, end } = readName(query, 12);
    this.asked.push(name);
    const answers: Buffer[] = [];
    let code = 0;
    let at = name;
    for (;;) {
      const entry = this.zone[at];
      if (entry === 'SILENT') return;
      if (entry === undefined) code = answers.length > 0 ? 0 : NXDOMAIN;
      else if (entry === 'SERVFAIL') code = SERVFAIL;
      else if (typeof entry === 'string' || Array.isArray(entry))
        answers.push(...[entry].flat().map((text) => record(at, TXT, textData(text))));
      else {
        answers.push(record(at, CNAME, writeName(entry.cname)));
        at = entry.cname;
        continue;
      }
      break;
    }
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8580 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    this.socket.send(Buffer.concat([header, query.subarray(12, end + 4), ...answers]), from.port, from.address);
  }
}

function readName(packet: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  while (packet[at] !== 0) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + packet[at]));
    at += packet[at] + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function writeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** A TXT record holds strings of at most 255 bytes. */
function textData(text: string): Buffer {
  const parts = text.match(/[\s\S]{1,255}/g) ?? [''];
  return Buffer.concat(parts.map((part) => Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')])));
}

function record(name: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(0, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(name), fixed, data]);
}
