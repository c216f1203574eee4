import { Logger } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import type { ChosenProvider, EmailProvider, OutgoingMessage, SendOutcome } from '../mail/index.js';
import { FairSlots } from './domain/fair-slots.js';
import { Pace } from './domain/pace.js';

const MAX_CLAIM = 1_000;
/** With as many again on the way it is what a kill leaves in doubt at most, and what a pause waits for. */
const MAX_GROUP = 200;
/** Beyond the provider's own limit: time to write down what it said; not more than that limit, where it is short. */
const MARGIN_MS = 15_000;
/** How long an account that named no time is left alone. */
const ACCOUNT_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * One account's way out of this process: the provider's connections, shared fairly between campaigns, what has been learned about its pace, and
 * whether it must be left alone. Nothing of it concerns another account.
 */
export class Outlet {
  /** Null for the provider of the installation. */
  readonly accountId: string | null;
  readonly version: number;
  readonly provider: EmailProvider;
  readonly pace: Pace;
  /** From firing until the row counts as `unknown`. */
  readonly sendLeaseMs: number;
  /** How many groups of one campaign may be on their way at once. */
  readonly groupsInFlight: number;

  private readonly logger = new Logger('Delivery');
  private readonly slots: FairSlots;
  private readonly marginMs: number;
  private pausedUntil = 0;

  constructor({ accountId, version, provider }: ChosenProvider, config: AppConfig) {
    this.accountId = accountId;
    this.version = version;
    this.provider = provider;
    const { maxBatch, maxConcurrency, sendTimeoutMs } = provider;
    this.slots = new FairSlots(maxConcurrency);
    this.pace = new Pace({ minGroup: Math.min(maxBatch, MAX_GROUP), maxGroup: MAX_GROUP, maxBatch: MAX_CLAIM });
    this.marginMs = Math.min(MARGIN_MS, sendTimeoutMs);
    this.sendLeaseMs = Math.max(config.engine.sendLeaseSeconds * 1000, sendTimeoutMs + this.marginMs);
    this.groupsInFlight = Math.min(Math.max(Math.ceil((maxBatch * maxConcurrency) / MAX_GROUP), 2), 4);
  }

  get providerName(): string {
    return this.provider.name;
  }

  /** Names the account in budgets and breakers: stable over restarts and the same in every process. */
  get accountKey(): string {
    return this.accountId === null ? `platform/${this.provider.name}` : `account/${this.accountId}`;
  }

  get batchSize(): number {
    return this.provider.maxBatch;
  }

  /** The provider asked to be left alone, or refused the account: nothing is fired meanwhile. */
  get isPaused(): boolean {
    return performance.now() < this.pausedUntil;
  }

  pause(retryAfterMs: number | undefined, reason: string): void {
    const ms = Math.min(retryAfterMs ?? ACCOUNT_PAUSE_MS, LONGEST_PAUSE_MS);
    if (!this.isPaused) this.logger.warn(`Provider ${this.provider.name} is left alone for ${Math.round(ms / 1000)} s (${reason})`);
    this.pausedUntil = Math.max(this.pausedUntil, performance.now() + ms);
  }

  /**
   * Hands over one call's worth of messages once a slot is free, and answers an outcome for each. `null`: the slot came after `latestStart`
   * (performance.now() based) or the provider has been paused meanwhile, and nothing was handed over.
   */
  send(campaignId: string, messages: OutgoingMessage[], latestStart: number): Promise<SendOutcome[] | null> {
    return this.slots.run(campaignId, async () => {
      if (performance.now() > latestStart || this.isPaused) return null;
      const outcomes = await this.call(messages);
      const account = outcomes.find((outcome) => outcome.kind === 'retry' && outcome.scope === 'account');
      if (account?.kind === 'retry') this.pause(account.retryAfterMs, account.reason);
      return outcomes;
    });
  }

  /** Providers never throw and always answer in time; should one do otherwise, its messages are in doubt and nothing else suffers. */
  private async call(messages: OutgoingMessage[]): Promise<SendOutcome[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the provider did not answer in time')), this.provider.sendTimeoutMs + this.marginMs / 3);
    });
    const inDoubt = (detail: string): SendOutcome => ({ kind: 'unknown', reason: 'provider_fault', detail });
    try {
      const outcomes = await Promise.race([this.provider.send(messages), late]);
      return messages.map((_, i) => outcomes[i] ?? inDoubt('the provider gave no outcome for this message'));
    } catch (error) {
      this.logger.error(`Provider ${this.provider.name} broke its contract: ${(error as Error).message}`, (error as Error).stack);
      return messages.map(() => inDoubt((error as Error).message));
    } finally {
      clearTimeout(timer);
    }
  }
}
