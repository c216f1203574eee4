import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export type Weather = 'clear' | 'stalled' | 'refusing';

/**
 * A TCP proxy on the loopback that makes bad networks: cut connections with a reset, hold all bytes back (a half-open connection: the peer's
 * system acknowledges, nobody answers), refuse new ones, or cut after so many bytes.
 */
export class FaultProxy {
  private readonly pairs = new Set<{ client: Socket; upstream: Socket }>();
  private weather: Weather = 'clear';
  /** Cuts a connection for good after the upstream has sent so many replies' worth of bytes; null: never. */
  cutAfterBytes: number | null = null;
  /** Drops what the server answers from now on while requests still reach it: accepted, but nobody hears of it. */
  swallowReplies = false;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {
    server.on('connection', (client) => this.join(client));
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const server = createServer();
    const proxy = new FaultProxy(server, targetPort);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Cuts every connection with a reset. Returns how many. */
  reset(): number {
    const count = this.pairs.size;
    for (const { client, upstream } of this.pairs) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
    return count;
  }

  become(weather: Weather): void {
    this.weather = weather;
    for (const { client, upstream } of this.pairs) {
      if (weather === 'stalled') {
        client.pause();
        upstream.pause();
      } else {
        client.resume();
        upstream.resume();
      }
    }
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.weather === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(this.targetPort, '127.0.0.1');
    const pair = { client, upstream };
    this.pairs.add(pair);
    let replied = 0;
    upstream.on('error', () => client.destroy());
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => {
      replied += bytes.length;
      if (this.cutAfterBytes !== null && replied > this.cutAfterBytes) {
        client.resetAndDestroy();
        upstream.destroy();
      } else if (!this.swallowReplies) client.write(bytes);
    });
    client.on('close', () => {
      upstream.destroy();
      this.pairs.delete(pair);
    });
    upstream.on('close', () => client.end());
    if (this.weather === 'stalled') {
      client.pause();
      upstream.pause();
    }
  }
}
