import type { LookupFunction } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Client, buildConnector, type Dispatcher } from 'undici';
import { OutboundFailed } from './outbound.errors.js';
import { type HostAddress, OutboundGuard, type UrlPolicy } from './outbound-guard.js';

export interface OutboundRequest extends UrlPolicy {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** For everything together, the look-up of the name included. Default 5,000. */
  timeoutMs?: number;
  /** The answer's body is cut here. Default 65,536. */
  maxBytes?: number;
}

export interface OutboundResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** As UTF-8, at most `maxBytes` of it. For our own log and decisions: never show it to a tenant. */
  body: string;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * HTTP requests to addresses that tenants chose. Goes only where {@link OutboundGuard} lets it, follows no redirect (a 3xx is the answer), never retries,
 * keeps no connection. Throws `OutboundRefused` before anything was sent, or `OutboundFailed` when no answer came.
 */
@Injectable()
export class OutboundHttp {
  constructor(private readonly guard: OutboundGuard) {}

  async request(target: string, options: OutboundRequest = {}): Promise<OutboundResponse> {
    const url = this.guard.parseUrl(target, options);
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const deadline = new Deadline(timeoutMs);
    try {
      const addresses = await deadline.race(this.guard.addresses(url.hostname));
      return await exchange(url, addresses, options, deadline);
    } finally {
      deadline.clear();
    }
  }
}

async function exchange(url: URL, addresses: HostAddress[], options: OutboundRequest, deadline: Deadline): Promise<OutboundResponse> {
  let connected = false;
  const connect = buildConnector({
    lookup: fixedLookup(addresses),
    autoSelectFamily: true,
    timeout: deadline.timeoutMs,
    maxCachedSessions: 0,
  });
  const client = new Client(url.origin, {
    connect: (to, done) =>
      connect(to, (...result) => {
        connected = result[0] === null;
        done(...result);
      }),
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const response = await client.request({
      path: url.pathname + url.search,
      method: options.method ?? 'GET',
      headers: { 'user-agent': 'campaign-engine', ...options.headers },
      body: options.body,
      signal: deadline.signal,
    });
    const body = await readUpTo(response.body, options.maxBytes ?? MAX_BYTES);
    return { status: response.statusCode, headers: response.headers, body };
  } catch (error) {
    if (deadline.isOver) throw new OutboundFailed('timeout', `no answer within ${deadline.timeoutMs} ms`, connected);
    const reason = connected ? 'protocol' : 'connection';
    throw new OutboundFailed(reason, `${connected ? 'no valid answer' : 'cannot connect'} (${codeOf(error as Error)})`, connected);
  } finally {
    // An answer that was cut is still arriving.
    void client.destroy().catch(() => undefined);
  }
}

/** The status line is the answer; a body that breaks off changes nothing about it. */
async function readUpTo(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= maxBytes) break;
    }
  } catch {
    // Cut off by the other side or by the clock.
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}

/** Answers every look-up with the addresses that were checked. A literal address is never looked up, and has been checked as it stands. */
function fixedLookup(addresses: HostAddress[]): LookupFunction {
  return (_host, options, done) => {
    if (options.all) done(null, addresses);
    else done(null, addresses[0].address, addresses[0].family);
  };
}

/** One clock for all parts of a request. */
class Deadline {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(readonly timeoutMs: number) {
    this.timer = setTimeout(() => this.controller.abort(), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isOver(): boolean {
    return this.controller.signal.aborted;
  }

  /** For work that cannot be stopped, such as a look-up. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.signal.addEventListener('abort', () => reject(new OutboundFailed('timeout', `no answer within ${this.timeoutMs} ms`, false)));
      work.then(resolve, reject);
    });
  }

  clear(): void {
    clearTimeout(this.timer);
  }
}

function codeOf(error: Error & { code?: string; cause?: unknown }): string {
  return error.code ?? (error.cause as { code?: string } | undefined)?.code ?? error.name;
}
