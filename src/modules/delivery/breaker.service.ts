import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { BreakerQueries } from './breaker.queries.js';
import { BREAKER, tally } from './domain/breaker.js';
import type { Outcome } from './domain/retry-policy.js';

/** A closed breaker is believed for so long; the gate looks at the row itself in any case. */
const BELIEVED_MS = 500;
/** A process that died with the probe keeps its account shut for so long at most; one that lives renews its lease, */
const PROBE_LEASE_SECONDS = 6;
const RENEW_MS = 1_000;
/** though not beyond the provider's longest answer and its recording. */
const LONGEST_PROBE_MS = 180_000;

interface Local {
  closedUntil: number;
  /** Successes of this process in the present window that no failure has given a reason to report. */
  ok: number;
  since: number;
}

/**
 * One circuit breaker per provider account, kept in the database so that all processes agree. While it is open, messages stay queued and use up no
 * attempts; after 5, 10, 20, 40, then every 60 seconds one message goes as a probe. An account in good health costs no statement per message.
 */
@Injectable()
export class BreakerService {
  private readonly logger = new Logger('Delivery');
  private readonly accounts = new Map<string, Local>();
  /** Ends the renewing of the probe of an account. */
  private readonly probes = new Map<string, AbortController>();

  constructor(
    private readonly db: Database,
    private readonly queries: BreakerQueries,
  ) {}

  /** `probe`: send one message and report with `reportProbe`, or give the probe back. */
  async admit(accountKey: string): Promise<'closed' | 'open' | 'probe'> {
    const local = this.local(accountKey);
    if (performance.now() < local.closedUntil) return 'closed';
    const found = await this.db.asSystem((tx) => this.queries.find(tx, accountKey));
    if (!found || found.state === 'closed') {
      local.closedUntil = performance.now() + BELIEVED_MS;
      return 'closed';
    }
    if (!found.mayProbe) return 'open';
    const lease = await this.db.asSystem((tx) => this.queries.takeProbe(tx, accountKey, PROBE_LEASE_SECONDS));
    if (lease === null) return 'open';
    this.letGo(accountKey);
    const probe = new AbortController();
    this.probes.set(accountKey, probe);
    void this.keep(accountKey, lease, probe.signal);
    return 'probe';
  }

  /** What the provider answered to messages that were not a probe. Never rejects: results are worth more than statistics. True if it is open now. */
  async record(accountKey: string, outcomes: Outcome[]): Promise<boolean> {
    const counted = tally(outcomes);
    const local = this.local(accountKey);
    const now = performance.now();
    if (now - local.since > BREAKER.windowSeconds * 1000) Object.assign(local, { since: now, ok: 0 });
    local.ok += counted.ok;
    if (counted.failed === 0) return false;
    const sums = { ...counted, ok: local.ok };
    local.ok = 0;
    try {
      const result = await this.db.asSystem(async (tx) => {
        const known = await this.queries.count(tx, accountKey, sums);
        if (known) return known;
        await this.queries.ensure(tx, accountKey);
        return this.queries.count(tx, accountKey, sums);
      });
      if (result?.hasOpened) this.logger.warn(`Account ${accountKey} is left alone: ${counted.reason} (${counted.detail})`);
      if (result?.state === 'closed') return false;
      local.closedUntil = 0;
      return true;
    } catch (error) {
      this.logger.warn(`The health of account ${accountKey} could not be recorded: ${(error as Error).message}`);
      return false;
    }
  }

  /** How the probe went; no outcomes: nothing was handed over. */
  async reportProbe(accountKey: string, outcomes: Outcome[]): Promise<void> {
    this.letGo(accountKey);
    const { failed, reason, detail } = tally(outcomes);
    await this.db.asSystem(async (tx) => {
      if (outcomes.length === 0) await this.queries.giveProbeBack(tx, accountKey);
      else if (failed > 0) await this.queries.reopen(tx, accountKey, reason, detail);
      else if (await this.queries.close(tx, accountKey)) this.logger.log(`Account ${accountKey} works again`);
    });
  }

  private letGo(accountKey: string): void {
    this.probes.get(accountKey)?.abort();
    this.probes.delete(accountKey);
  }

  /** Renews the lease of a probe until it is reported or lost. A database that is away is asked again: the lease may still stand then. */
  private async keep(accountKey: string, lease: string | null, signal: AbortSignal): Promise<void> {
    const until = performance.now() + LONGEST_PROBE_MS;
    while (lease !== null && performance.now() < until) {
      await delay(RENEW_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const held: string = lease;
      lease = await this.db.asSystem((tx) => this.queries.renewProbe(tx, accountKey, held, PROBE_LEASE_SECONDS)).catch(() => held);
    }
  }

  private local(accountKey: string): Local {
    let local = this.accounts.get(accountKey);
    if (!local) this.accounts.set(accountKey, (local = { closedUntil: 0, ok: 0, since: performance.now() }));
    return local;
  }
}
