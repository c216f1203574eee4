import type { Clock } from '../../../shared/clock.js';
import { isMailboxId } from '../domain/mailbox-path.js';
import { buildMime } from '../domain/mime.js';
import { accepted, failed, notSendable, notStarted, retryAccount } from '../domain/outcomes.js';
import { EmailProvider, type OutgoingMessage, type SendOutcome } from '../mail.types.js';
import type { MailboxStore } from './mailbox-store.js';

const TIMEOUT_MS = 10_000;

/**
 * The default: writes every message as a file under `DATA_DIR/mailbox` instead of sending it, to be looked at under `/mailbox`. The file is named
 * after the email id, so a second delivery replaces the first: here even an interrupted one may be repeated, and nothing is ever `unknown`.
 */
export class MailboxProvider extends EmailProvider {
  readonly name = 'mailbox';
  readonly maxBatch = 100;
  readonly maxConcurrency = 2;
  readonly sendTimeoutMs = TIMEOUT_MS;
  private running: Promise<unknown> = Promise.resolve();
  private closing = false;

  constructor(
    private readonly store: MailboxStore,
    private readonly clock: Clock,
  ) {
    super();
  }

  async send(messages: OutgoingMessage[]): Promise<SendOutcome[]> {
    const sending = Promise.all(messages.map((message) => this.sendOne(message)));
    this.running = Promise.allSettled([this.running, sending]);
    return sending;
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.running;
  }

  private async sendOne(message: OutgoingMessage): Promise<SendOutcome> {
    if (this.closing) return notStarted('This process is shutting down.');
    if (!isMailboxId(message.emailId)) return failed('invalid_message', 'The email id is not a UUID in lower case.');
    let raw: Buffer;
    try {
      raw = buildMime(message, this.clock.now());
    } catch (error) {
      return notSendable(error);
    }
    return withinTimeout(
      this.store.write(message.emailId, raw).then(
        () => accepted(message.emailId),
        (error: Error) => retryAccount('mailbox_unwritable', `The mailbox folder cannot be written: ${error.message}`),
      ),
    );
  }
}

/** A file system that hangs (a lost network drive) must not hold the lease; writing again later replaces whatever does arrive. */
async function withinTimeout(outcome: Promise<SendOutcome>): Promise<SendOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<SendOutcome>((resolve) => {
    timer = setTimeout(() => resolve(retryAccount('timeout', 'The mailbox folder did not answer in time.')), TIMEOUT_MS - 500);
  });
  try {
    return await Promise.race([outcome, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
