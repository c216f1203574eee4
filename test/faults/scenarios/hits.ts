import { Api } from '../lib/api.js';
import { assertInvariants } from '../lib/invariants.js';
import { inDoubtPerKill } from '../lib/limits.js';
import { onStage, type Scenario } from '../lib/scenario.js';
import { until } from '../lib/wait.js';
import type { Stage } from '../lib/stage.js';

interface Links {
  to: string;
  messageId: string;
  pixel: string | null;
  click: string | null;
  unsubscribe: string | null;
}

const TIMES = 3;
const PEOPLE = 200;
const LEAVERS = 50;

/**
 * Everybody's pixel, link and unsubscription arrive several times at once, by two processes of which one is killed meanwhile. What was answered
 * is stored; what was stored counts once.
 */
export const hits: Scenario = {
  name: 'hits',
  title: 'pixels, clicks and unsubscriptions doubled and concurrent, an API process killed meanwhile',
  run: (ground) =>
    onStage(ground, { name: 'hits', share: 0.5, env: { UNKNOWN_GRACE_SECONDS: '3600' } }, async (stage) => {
      const second = await stage.fleet.start('api2', { roles: 'api' });
      const campaign = await stage.campaign();
      const worker = await stage.launchWorker({ failPoints: 'before_finish:2' });
      await stage.launch(campaign);
      await until('a worker to die with messages in doubt', () => !worker.isAlive, { state: () => stage.state() });
      await stage.worker();
      await stage.acceptedReaches(Math.min(3 * stage.contacts, 4 * PEOPLE));
      const doubtful = await until('messages to be in doubt', () =>
        stage.sql.value<number>(`SELECT count(*)::int FROM emails WHERE status = 'unknown'`),
      );
      const links = (await stage.double.call<Links[]>('links', { from: 0, limit: PEOPLE })).filter(
        (link) => link.pixel && link.click && link.unsubscribe,
      );
      if (links.length < PEOPLE) throw new Error(`only ${links.length} of ${PEOPLE} messages have a pixel, a link and an unsubscription`);
      const answered = await hitAll(stage, links, second.url, () => stage.fleet.kill(second));
      await proveAll(stage);
      await stage.completes(campaign);
      await check(stage, campaign, links, answered);
      stage.note(`${doubtful} messages in doubt after a kill; those delivered were proved by their pixels`);
      const balance = await assertInvariants(stage, { unknownAtMost: inDoubtPerKill(1) });
      if (balance.unknownDelivered > 0)
        throw new Error(`${balance.unknownDelivered} messages are in doubt although their pixels have been loaded`);
      return balance;
    }),
};

/** Each address `TIMES` times, in random order, half of them by a process that dies in the middle. Returns what was answered, by kind. */
async function hitAll(
  stage: Stage,
  links: Links[],
  otherUrl: string,
  killOther: () => Promise<void>,
): Promise<Record<string, Set<string>>> {
  const answered: Record<string, Set<string>> = { opened: new Set(), clicked: new Set(), unsubscribed: new Set() };
  const jobs = links.flatMap((link, i) => [
    ...Array.from({ length: TIMES }, () => ({ kind: 'opened', url: link.pixel!, link, method: 'GET' })),
    ...Array.from({ length: TIMES }, () => ({ kind: 'clicked', url: link.click!, link, method: 'GET' })),
    ...(i < LEAVERS ? Array.from({ length: TIMES }, () => ({ kind: 'unsubscribed', url: link.unsubscribe!, link, method: 'POST' })) : []),
  ]);
  const queue = stage.random.shuffled(jobs);
  const killAt = Math.floor(queue.length / 2);
  const one = async (lane: number): Promise<void> => {
    for (let job = queue.pop(); job; job = queue.pop()) {
      if (queue.length === killAt) await killOther();
      const url = new URL(job.url);
      if (lane % 2) url.host = new URL(otherUrl).host;
      const status = await request(url, job.method);
      if (status !== null && status < 400) answered[job.kind].add(job.link.messageId);
      else if (status !== null) throw new Error(`${job.kind}: ${url.pathname} answered ${status}`);
      // Whoever got no answer tries again elsewhere, as a browser would.
      else if ((await request(new URL(job.url), job.method)) !== null) answered[job.kind].add(job.link.messageId);
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, lane) => one(lane)));
  return answered;
}

async function request(url: URL, method: string): Promise<number | null> {
  const body = method === 'POST' ? new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) : undefined;
  const answer = await fetch(url, { method, body, redirect: 'manual', signal: AbortSignal.timeout(30_000) }).catch(() => null);
  return answer?.status ?? null;
}

/** Loads the pixels of all messages in doubt that really arrived: proof that they did. Then lets the policy decide about the others. */
async function proveAll(stage: Stage): Promise<void> {
  const ids = await stage.sql.rows<{ id: string }>(`SELECT id FROM emails WHERE status = 'unknown'`);
  const doubtful = new Set(ids.map(({ id }) => id));
  const count = await stage.accepted();
  for (let from = 0; from < count; from += 500) {
    const links = await stage.double.call<Links[]>('links', { from, limit: 500 });
    for (const { messageId, pixel } of links)
      if (doubtful.has(/^<([^@]+)@/.exec(messageId)?.[1] ?? '')) await request(new URL(pixel!), 'GET');
  }
  await until('all facts to be applied', () =>
    stage.sql.value<boolean>(
      'SELECT NOT EXISTS (SELECT FROM hit_batches) AND NOT EXISTS (SELECT FROM email_events WHERE applied_at IS NULL)',
    ),
  );
  // As if an hour had passed.
  await stage.sql.rows(`UPDATE emails SET sending_at = sending_at - interval '2 hours' WHERE status = 'unknown'`);
}

async function check(stage: Stage, campaign: string, links: Links[], answered: Record<string, Set<string>>): Promise<void> {
  const idsOf = (kind: string) => [...answered[kind]].map((messageId) => /^<([^@]+)@/.exec(messageId)![1]);
  const missing = await stage.sql.rows<{ kind: string; n: number }>(
    `SELECT 'opened' AS kind, count(*)::int AS n FROM emails WHERE id = ANY($1::uuid[]) AND first_opened_at IS NULL
      UNION ALL SELECT 'clicked', count(*)::int FROM emails WHERE id = ANY($2::uuid[]) AND first_clicked_at IS NULL
      UNION ALL SELECT 'unsubscribed', count(*)::int FROM emails e JOIN contacts k ON k.tenant_id = e.tenant_id AND k.id = e.contact_id
                 WHERE e.id = ANY($3::uuid[]) AND k.subscribed`,
    [idsOf('opened'), idsOf('clicked'), idsOf('unsubscribed')],
  );
  for (const { kind, n } of missing) if (n > 0) throw new Error(`${n} hits were answered, but the message does not count as ${kind}`);
  const suppressed = await stage.sql.value<number>(`SELECT count(*)::int FROM suppressions WHERE reason = 'unsubscribed'`);
  const leavers = new Set(links.slice(0, LEAVERS).map(({ to }) => to)).size;
  if (suppressed !== leavers) throw new Error(`${leavers} people unsubscribed ${TIMES} times each; there are ${suppressed} suppressions`);
  const { totals } = await new Api(stage.api.baseUrl, stage.ground.template.apiKey).get<{ totals: Record<string, number> }>(
    `/api/campaigns/${campaign}/analytics`,
  );
  const opened = await stage.sql.value<number>('SELECT count(*)::int FROM emails WHERE first_opened_at IS NOT NULL');
  if (totals.uniqueOpens > opened || totals.uniqueClicks > links.length || totals.unsubscribes !== leavers)
    throw new Error(`repeated hits were counted more than once: ${JSON.stringify({ totals, opened, links: links.length, leavers })}`);
  stage.note(
    `${links.length} messages opened and clicked, ${leavers} people unsubscribed, ${TIMES} times each; ${JSON.stringify({ opens: totals.uniqueOpens, clicks: totals.uniqueClicks, unsubscribes: totals.unsubscribes })}`,
  );
}
