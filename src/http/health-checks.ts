import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

export interface HealthCheck {
  name: string;
  /** Does a process without it refuse requests? Otherwise its state is only reported. */
  critical: boolean;
  /** Resolves with details when all is well, rejects when not. */
  check(): Promise<Record<string, unknown> | void>;
}

export interface HealthReport {
  status: 'ready' | 'not_ready';
  checks: Record<string, { status: 'up' | 'down'; [detail: string]: unknown }>;
}

const LIMIT_MS = 1_000;

/** What must work for this process to be ready. Modules register their own checks. */
@Injectable()
export class HealthChecks {
  private readonly checks: HealthCheck[] = [];

  register(check: HealthCheck): void {
    this.checks.push(check);
  }

  /** Asks everybody at once; who does not answer within a second is down. */
  async report(): Promise<HealthReport> {
    const results = await Promise.all(this.checks.map(async (check) => ({ ...check, outcome: await ask(check) })));
    const ready = results.every(({ critical, outcome }) => !critical || outcome.status === 'up');
    return {
      status: ready ? 'ready' : 'not_ready',
      checks: Object.fromEntries(results.map(({ name, outcome }) => [name, outcome])),
    };
  }
}

async function ask({ check }: HealthCheck): Promise<HealthReport['checks'][string]> {
  const timeout = new AbortController();
  const tooLate = delay(LIMIT_MS, null, { signal: timeout.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${LIMIT_MS} ms`);
  });
  try {
    return { ...((await Promise.race([check(), tooLate])) ?? {}), status: 'up' };
  } catch (error) {
    return { status: 'down', reason: reasonOf(error) };
  } finally {
    timeout.abort();
    tooLate.catch(() => undefined);
  }
}

/** Public, therefore without hosts, users or statements. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.message.startsWith('no answer') ? error.message : 'failed';
}
