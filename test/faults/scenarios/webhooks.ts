import { setTimeout as delay } from 'node:timers/promises';
import { batchesFor, postEvents, SendGridSigner, type EventTarget, type SendGridEvent } from '../../support/sendgrid-events.js';
import { suffix } from '../lib/fates.js';
import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import type { Stage } from '../lib/stage.js';
import { until } from '../lib/wait.js';
import type { SendGridRule } from '../processes/sendgrid.js';

const TYPES = ['processed', 'deferred', 'delivered', 'open', 'click'];
const BATCH = 100;

/**
 * By the last digits of the recipient. The message is taken in every case; the answer comes late (after the events), never, or as a failure, so that
 * only the events prove it.
 */
const RULES: SendGridRule[] = [
  { match: suffix('07'), times: 1, answer: { hang: true, accept: true } },
  { match: suffix('17'), times: 1, answer: { reset: true, accept: true } },
  { match: suffix('27'), times: 1, answer: { status: 502, accept: true } },
  { match: suffix('3'), answer: { delayMs: 400, accept: true } },
];
const ONLY_PROVED = /^c\d*[012]7@/;

/** How the calls of a batch are posted. */
type Manner = (batch: SendGridEvent[], stage: Stage) => SendGridEvent[][];
const MANNERS: Record<string, Manner> = {
  doubled: (batch) => [batch, batch],
  reversed: (batch) => [[...batch].reverse()],
  shuffled: (batch, stage) => [stage.random.shuffled(batch)],
  torn: (batch, stage) => {
    const events = stage.random.shuffled(batch);
    const half = events.length / 2;
    return [events.slice(half), events.slice(0, half), events.slice(half)];
  },
};

/** What the provider tells comes twice, backwards, in any order, hours later, and before our own record of the call. It counts once, and it is believed. */
export const webhooks: Scenario = {
  name: 'webhooks',
  title: "the provider's events doubled, reversed, shuffled, late, and before the call they are about has been answered",
  run: (ground) => {
    const signer = new SendGridSigner();
    const env = { SENDGRID_WEBHOOK_PUBLIC_KEY: signer.publicKey, UNKNOWN_GRACE_SECONDS: '3600' };
    return onStage(ground, { name: 'webhooks', share: 0.25, mail: 'sendgrid', env }, async (stage) => {
      await stage.double.call('rules', RULES);
      const campaign = await stage.campaign();
      const other = await stage.fleet.start('api2', { roles: 'api' });
      const urls = [stage.api.baseUrl, other.url].map((url) => new URL('/webhooks/sendgrid/events', url).href);
      await Promise.all([stage.worker(), stage.worker()]);
      await stage.launch(campaign);
      const teller = new Teller(stage, signer, urls);
      while ((await stage.statusOf(campaign)) !== 'completed') {
        await teller.tell();
        await delay(20);
      }
      await teller.tell();
      await teller.tellLate();
      await until('all events to be applied', () => isApplied(stage), { state: () => stage.state() });
      await check(stage, campaign);
      stage.note(
        `${teller.posted} events posted about ${teller.told} messages: ${Object.keys(MANNERS).join(', ')}, and ${teller.late} late`,
      );
      return assertInvariants(stage, { unknownAtMost: 0 });
    });
  },
};

class Teller {
  told = 0;
  posted = 0;
  late = 0;
  private readonly kept: SendGridEvent[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly signer: SendGridSigner,
    private readonly urls: string[],
  ) {}

  /** About everything accepted since the last time; a tenth of the events is kept back. */
  async tell(): Promise<void> {
    const { stage } = this;
    for (;;) {
      const targets = await stage.double.call<EventTarget[]>('targets', { from: this.told, limit: BATCH });
      if (targets.length === 0) return;
      this.told += targets.length;
      const events = batchesFor(targets, { types: TYPES, now: () => new Date(), batchSize: 1_000, duplicatePercent: 10, seed: this.told })
        .flat()
        .filter((event) => {
          const isKept = !ONLY_PROVED.test(event.email) && stage.random.next() < 0.1;
          if (isKept) this.kept.push(event);
          return !isKept;
        });
      const manner = stage.random.pick(Object.values(MANNERS));
      await Promise.all(manner(events, stage).map((batch) => this.post(batch)));
    }
  }

  async tellLate(): Promise<void> {
    this.late = this.kept.length;
    for (let at = 0; at < this.kept.length; at += BATCH) await this.post(this.kept.slice(at, at + BATCH));
  }

  private async post(batch: SendGridEvent[]): Promise<void> {
    if (batch.length === 0) return;
    this.posted += batch.length;
    const answer = await postEvents(this.stage.random.pick(this.urls), this.signer, batch, new Date());
    if (!answer.ok) throw new Error(`the webhook answered ${answer.status}: ${await answer.text()}`);
  }
}

async function isApplied(stage: Stage): Promise<boolean> {
  const [{ open }] = await stage.sql.rows<{ open: number }>(
    `SELECT (SELECT count(*)::int FROM webhook_batches WHERE processed_at IS NULL)
          + (SELECT count(*)::int FROM email_events WHERE applied_at IS NULL) AS open`,
  );
  return open === 0;
}

/** Every message has every fact once, and the report says so. */
async function check(stage: Stage, campaign: string): Promise<void> {
  const accepted = stage.truth().length;
  const [ledger] = await stage.sql.rows<Record<string, number>>(
    `SELECT count(*)::int AS rows, count(*) FILTER (WHERE status = 'delivered')::int AS delivered, count(first_opened_at)::int AS opened,
            count(first_clicked_at)::int AS clicked, count(first_human_opened_at)::int AS "humanOpened",
            count(first_human_clicked_at)::int AS "humanClicked" FROM emails`,
  );
  const wrong = ['rows', 'delivered', 'opened', 'clicked'].filter((name) => ledger[name] !== accepted);
  if (wrong.length > 0) throw new Error(`${accepted} messages were taken, delivered, opened and clicked: ${JSON.stringify(ledger)}`);
  const facts = await stage.sql.rows<{ type: string; n: number }>('SELECT type, count(*)::int AS n FROM email_events GROUP BY type');
  const repeated = facts.filter(({ n }) => n !== accepted);
  if (repeated.length > 0 || facts.length !== TYPES.length)
    throw new Error(`not every fact once for each message: ${JSON.stringify(facts)}`);
  const { totals } = await stage.api.get<{ totals: Record<string, number> }>(`/api/campaigns/${campaign}/analytics`);
  if (totals.emailsDelivered !== accepted || totals.uniqueOpens !== ledger.humanOpened || totals.uniqueClicks !== ledger.humanClicked)
    throw new Error(`the report is not what the ledger says: ${JSON.stringify({ totals, ledger })}`);
}
