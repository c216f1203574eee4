import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { sqlState } from '../../database/index.js';
import { failPoint } from '../../shared/fail-point.js';
import type { Settlement } from './delivery.types.js';
import type { SettlementService } from './settlement.service.js';

/**
 * Results wait this long for company, or until so many have come: a transaction for a few of them costs nearly what one for hundreds does. What is not
 * yet written when the process dies is in doubt, so not for long; a group on its way to the provider lasts longer (GROUP_SECONDS).
 */
const GATHER_MS = 80;
const ENOUGH = 250;
const MAX_BATCH = 500;
/** A second one only when results come faster than one connection writes them. */
const MAX_WRITERS = 2;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
/** Longer than any restart of a database; after that the rows are in doubt anyway and the sweep has them. */
const GIVE_UP_MS = 10 * 60_000;

/**
 * Writes results in batches: one transaction for all that came in while the last one committed. Keeps them through a failure of the database, because
 * a result that is forgotten is a message in doubt.
 */
export class Finisher {
  private readonly logger = new Logger('Delivery');
  private waiting: Settlement[] = [];
  private active = 0;
  private readonly writers = new Set<Promise<void>>();
  private readonly gathering = new Set<() => void>();
  private isDraining = false;

  constructor(
    private readonly tenantId: string,
    private readonly settlements: SettlementService,
  ) {}

  add(results: Settlement[]): void {
    this.waiting.push(...results);
    if (this.waiting.length >= ENOUGH) this.wake();
    const wanted = this.waiting.length > MAX_BATCH ? MAX_WRITERS : 1;
    while (this.active < wanted) this.startWriter();
  }

  /** Resolves when everything added so far is written (or has been given up, which is logged). */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.wake();
    while (this.writers.size > 0) await Promise.all(this.writers);
    this.isDraining = false;
  }

  private startWriter(): void {
    this.active++;
    const writer = this.write().finally(() => this.writers.delete(writer));
    this.writers.add(writer);
  }

  private async write(): Promise<void> {
    try {
      do {
        await this.gather();
        await this.persist(this.waiting.splice(0, MAX_BATCH));
      } while (this.waiting.length > 0);
    } finally {
      // In the same breath as the last look at `waiting`: whatever is added from now on gets a writer of its own.
      this.active--;
    }
  }

  private async gather(): Promise<void> {
    if (this.isDraining || this.waiting.length >= ENOUGH) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.gathering.delete(go);
        resolve();
      };
      const timer = setTimeout(go, GATHER_MS);
      this.gathering.add(go);
    });
  }

  private wake(): void {
    for (const go of this.gathering) go();
  }

  private async persist(batch: Settlement[]): Promise<void> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    for (let wait = FIRST_RETRY_MS; ; wait = Math.min(wait * 2, LONGEST_RETRY_MS)) {
      try {
        await failPoint('before_finish');
        await this.settlements.settle(this.tenantId, batch);
        await failPoint('after_finish');
        return;
      } catch (error) {
        if (!isPassing(error)) return this.persistApart(batch, error);
        if (performance.now() > giveUpAt) return this.giveUp(batch, error);
        this.logger.warn(`${batch.length} results are kept until the database takes them: ${(error as Error).message}`);
        await delay(wait);
      }
    }
  }

  /** One result that cannot be written must not take the others with it (I10). */
  private async persistApart(batch: Settlement[], error: unknown): Promise<void> {
    if (batch.length === 1) return this.giveUp(batch, error);
    const half = Math.ceil(batch.length / 2);
    await this.persist(batch.slice(0, half));
    await this.persist(batch.slice(half));
  }

  /** The rows stay `sending`; when their lease runs out the sweep makes them `unknown`. */
  private giveUp(batch: Settlement[], error: unknown): void {
    this.logger.error(`${batch.length} results could not be written (first: email ${batch[0].id}): ${(error as Error).message}`);
  }
}

/** SQLSTATE classes of what goes by: connection, resources, operator, system, and rollbacks of concurrency. */
const PASSING = /^(?:08|53|57|58|40)/;

/** A lost connection often has no SQLSTATE; a fault in our own code never goes by. */
function isPassing(error: unknown): boolean {
  if (error instanceof TypeError) return false;
  const state = sqlState(error);
  return state === undefined || !/^[0-9A-Z]{5}$/.test(state) || PASSING.test(state);
}
