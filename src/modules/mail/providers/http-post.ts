import { Pool, type Dispatcher } from 'undici';
import type { HttpResult } from '../domain/sendgrid-outcome.js';

const BODY_LIMIT = 16 * 1024;

/**
 * POSTs over kept-alive connections and tells, when there is no answer, whether the request had begun to be written. That is the line between
 * "try again" and "nobody knows", and no ordinary HTTP client draws it. Never retries, never follows redirects.
 */
export class HttpPoster {
  private readonly pool: Pool;
  private readonly basePath: string;
  private closed: Promise<void> | null = null;

  constructor(
    baseUrl: string,
    connections: number,
    private readonly timeoutMs: number,
  ) {
    const url = new URL(baseUrl);
    this.basePath = url.pathname.replace(/\/+$/, '');
    this.pool = new Pool(url.origin, { connections, pipelining: 1, connect: { timeout: Math.min(10_000, timeoutMs) } });
  }

  /** Answers within the time-out, always; never throws. */
  post(path: string, headers: Record<string, string>, body: string): Promise<HttpResult> {
    return new Promise((resolve) => {
      const exchange = new Exchange(this.timeoutMs, resolve);
      const request = { path: this.basePath + path, method: 'POST', headers, body, headersTimeout: 0, bodyTimeout: 0 } as const;
      try {
        this.pool.dispatch(request, exchange);
      } catch (error) {
        exchange.onResponseError(null, error as Error);
      }
    });
  }

  /** May be called again. */
  close(): Promise<void> {
    this.closed ??= this.pool.close();
    return this.closed;
  }
}

/** One request and its answer. Settles once: by the end of the answer, by an error or by the clock. */
class Exchange implements Dispatcher.DispatchHandler {
  private written = false;
  private controller: Dispatcher.DispatchController | null = null;
  private status = 0;
  private headers: Record<string, string | string[] | undefined> = {};
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private settled = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly timeoutMs: number,
    private readonly resolve: (result: HttpResult) => void,
  ) {
    this.timer = setTimeout(() => this.expire(), timeoutMs);
  }

  /** undici calls this immediately before it writes the request to a connected socket. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // The clock ran out while the connection was being made: nothing may leave any more.
    if (this.settled) controller.abort(new Error('timed out before it was sent'));
    else this.written = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.size += chunk.length;
    if (this.size <= BODY_LIMIT) this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.answer();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    // The status line is the answer; a body that broke off changes nothing about it.
    if (this.status >= 200) return this.answer();
    this.settle({ kind: 'error', written: this.written, timedOut: false, code: codeOf(error), message: error.message });
  }

  private expire(): void {
    if (this.status >= 200) this.answer();
    else {
      const message = `no answer within ${this.timeoutMs} ms`;
      this.settle({ kind: 'error', written: this.written, timedOut: true, code: 'ETIMEDOUT', message });
    }
    this.controller?.abort(new Error('timed out'));
  }

  private answer(): void {
    this.settle({ kind: 'response', status: this.status, headers: this.headers, body: Buffer.concat(this.chunks).toString('utf8') });
  }

  private settle(result: HttpResult): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.timer);
    this.resolve(result);
  }
}

function codeOf(error: Error & { code?: string; cause?: unknown }): string {
  return error.code ?? (error.cause as { code?: string } | undefined)?.code ?? error.name;
}
