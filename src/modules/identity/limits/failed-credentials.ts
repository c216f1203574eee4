import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../../config/index.js';
import { networkOf } from '../../../http/index.js';
import { RateLimitedError } from '../identity.errors.js';
import { type Limit, limitsOf } from './limits.js';
import { SharedCounters } from './shared-counters.js';

/** How long a credential that held is known to be no guess. */
const PROVEN_MS = 600_000;
const MAX_PROVEN = 10_000;

/**
 * Bounds guessing, by address. Once an address has failed too often, what comes from it is refused without being looked at, except credentials that
 * held in this process within the last ten minutes: behind one address there may be a whole company, or a proxy that `TRUST_PROXY` does not name.
 */
@Injectable()
export class FailedCredentials {
  private readonly limit: Limit;
  /** Hashes of credentials, and until when (monotonic milliseconds). */
  private readonly proven = new Map<string, number>();

  constructor(
    config: AppConfig,
    private readonly counters: SharedCounters,
  ) {
    this.limit = limitsOf(config).failures;
  }

  /** Throws where the credential (`Authorization`, whole) would be one guess too many. */
  assertMayTry(address: string, credential: string): void {
    const blockedSeconds = this.counters.blockedSeconds(this.limit, networkOf(address));
    if (blockedSeconds !== null && !this.isProven(credential)) throw new RateLimitedError(this.limit, blockedSeconds);
  }

  /** Throws if this was one too many. */
  async record(address: string): Promise<void> {
    if (this.limit.limit === 0) return;
    const { isAllowed, resetSeconds } = await this.counters.count(this.limit, networkOf(address));
    if (!isAllowed) throw new RateLimitedError(this.limit, resetSeconds);
  }

  prove(credential: string): void {
    if (this.limit.limit === 0) return;
    const name = hashed(credential);
    this.proven.delete(name);
    for (const oldest of this.proven.keys()) {
      if (this.proven.size < MAX_PROVEN) break;
      this.proven.delete(oldest);
    }
    this.proven.set(name, performance.now() + PROVEN_MS);
  }

  private isProven(credential: string): boolean {
    return (this.proven.get(hashed(credential)) ?? -Infinity) > performance.now();
  }
}

/** Never the credential itself. */
function hashed(credential: string): string {
  return createHash('sha256').update(credential).digest('base64');
}
