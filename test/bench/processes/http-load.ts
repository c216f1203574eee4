import { connect, type Socket } from 'node:net';
import { serve } from '../../support/child.js';

interface Load {
  port: number;
  paths: string[];
  connections: number;
  /** Stops after this time even if paths are left. */
  maxMs: number;
  /** Requests a second over all connections; as fast as answers come when absent. */
  rate?: number;
}

interface LoadResult {
  seconds: number;
  sent: number;
  ok: number;
  other: Record<string, number>;
  p50: number;
  p99: number;
  max: number;
}

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

/** GETs each path once over kept connections, with a client so thin that it is not what is measured. */
async function load({ port, paths, connections, maxMs, rate }: Load): Promise<LoadResult> {
  const start = performance.now();
  const latencies: number[] = [];
  const statuses = new Map<number, number>();
  let next = 0;
  const one = async (): Promise<void> => {
    const client = await Connection.open(port);
    while (next < paths.length && performance.now() - start < maxMs) {
      const nth = next++;
      // With a rate, the latency counts from when the request was to be sent, so that a stall is not hidden by the requests it held up.
      const due = rate === undefined ? performance.now() : start + (nth / rate) * 1000;
      if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      const status = await client.get(paths[nth]);
      latencies.push(performance.now() - due);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN;
  const isOk = (status: number): boolean => status >= 200 && status < 400;
  return {
    seconds,
    sent: latencies.length,
    ok: [...statuses].reduce((sum, [status, n]) => sum + (isOk(status) ? n : 0), 0),
    other: Object.fromEntries([...statuses].filter(([status]) => !isOk(status))),
    p50: at(0.5),
    p99: at(0.99),
    max: latencies.at(-1) ?? NaN,
  };
}

/** One request at a time. Understands exactly the answers of the servers measured here: a head and a body with a content-length. */
class Connection {
  private buffer = '';
  private waiting: { resolve: (status: number) => void; reject: (error: Error) => void } | null = null;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => this.take(String(chunk)));
    socket.on('error', (error) => this.waiting?.reject(error));
    socket.on('close', () => this.waiting?.reject(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  get(path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ${AGENT}\r\nAccept: */*\r\n\r\n`);
    });
  }

  close(): void {
    this.waiting = null;
    this.socket.end();
  }

  private take(chunk: string): void {
    this.buffer += chunk;
    const end = this.buffer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.buffer.slice(0, end);
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.buffer.length < end + 4 + length) return;
    this.buffer = this.buffer.slice(end + 4 + length);
    this.waiting?.resolve(Number(head.slice(9, 12)));
  }
}

serve({ load });
