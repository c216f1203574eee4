import { retryAccount } from '../domain/outcomes.js';
import type { ProviderKind } from '../domain/provider-account.js';
import { EmailProvider, type OutgoingMessage, type SendOutcome } from '../mail.types.js';

/** Stands in for an account that cannot be used: every message waits, with the reason on its row, and uses up no attempt. */
export class UnusableProvider extends EmailProvider {
  readonly maxBatch = 10;
  readonly maxConcurrency = 1;
  readonly sendTimeoutMs = 1_000;

  constructor(
    readonly name: ProviderKind,
    private readonly why: string,
  ) {
    super();
  }

  async send(messages: OutgoingMessage[]): Promise<SendOutcome[]> {
    return messages.map(() => retryAccount('account_fault', this.why));
  }

  async close(): Promise<void> {}
}
