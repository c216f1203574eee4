import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from './wait.js';
import type { Stage } from './stage.js';

/**
 * How long work lies about after its worker was killed. At the moment of a kill the rows in somebody's hands are noted; each is timed until
 * it moves: claimed anew, decided, or, where it was already with the provider, declared in doubt. Rows of workers that live on move within
 * milliseconds, so the slow end of the distribution is that of the dead one's.
 */
export class RecoveryClock {
  readonly claimed: number[] = [];
  readonly fired: number[] = [];
  private readonly running: Promise<void>[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly deadlineMs = 60_000,
  ) {}

  /** Call right after a kill. */
  async note(): Promise<void> {
    const since = performance.now();
    const held = await this.stage.sql.rows<{ id: string; token: string; status: string }>(
      `SELECT id, lease_token AS token, status FROM emails WHERE status IN ('queued', 'sending') AND lease_expires_at > clock_timestamp()`,
    );
    if (held.length > 0) this.running.push(this.follow(held, since));
  }

  async done(): Promise<void> {
    await Promise.all(this.running);
  }

  /** p99 in milliseconds of what had been claimed but not fired. */
  get claimedP99(): number {
    return percentile(this.claimed, 0.99);
  }

  summary(): string {
    const line = (name: string, values: number[]) =>
      values.length === 0
        ? `${name}: none`
        : `${name}: ${values.length} rows, p50 ${seconds(percentile(values, 0.5))}, p99 ${seconds(percentile(values, 0.99))}, max ${seconds(values.reduce((a, b) => Math.max(a, b), 0))}`;
    return `${line('claimed → taken up again', this.claimed)}; ${line('with the provider → decided', this.fired)}`;
  }

  private async follow(rows: { id: string; token: string; status: string }[], since: number): Promise<void> {
    let open = rows;
    while (open.length > 0 && performance.now() - since < this.deadlineMs) {
      await delay(100);
      const still = await this.stage.sql.rows<{ id: string }>(
        `SELECT v.id FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS v(id, token, status)
           JOIN emails e ON e.id = v.id AND e.lease_token = v.token AND e.status = v.status`,
        [open.map(({ id }) => id), open.map(({ token }) => token), open.map(({ status }) => status)],
      );
      const ids = new Set(still.map(({ id }) => id));
      const ms = performance.now() - since;
      for (const { id, status } of open) if (!ids.has(id)) (status === 'queued' ? this.claimed : this.fired).push(ms);
      open = open.filter(({ id }) => ids.has(id));
    }
    for (const { status } of open) (status === 'queued' ? this.claimed : this.fired).push(performance.now() - since);
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
