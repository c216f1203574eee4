import { assertSendable } from '../domain/mime.js';
import { accepted, notSendable } from '../domain/outcomes.js';
import { EmailProvider, type OutgoingMessage, type SendOutcome } from '../mail.types.js';

/** Accepts and discards: for benchmarks of everything else (`MAIL_PROVIDER=null`). Refuses what the others would refuse. */
export class NullProvider extends EmailProvider {
  readonly name = 'null';
  readonly maxBatch = 500;
  readonly maxConcurrency = 4;
  readonly sendTimeoutMs = 1_000;

  async send(messages: OutgoingMessage[]): Promise<SendOutcome[]> {
    return messages.map((message) => {
      try {
        assertSendable(message);
        return accepted(null);
      } catch (error) {
        return notSendable(error);
      }
    });
  }

  async close(): Promise<void> {}
}
