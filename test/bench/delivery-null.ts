/**
 * Messages a second through claim, render, gate, provider and finish with a provider that accepts and discards. From built code:
 *
 *     npx tsc --outDir dist/bench --noEmit false && DATABASE_URL=postgresql://… node dist/bench/test/bench/delivery-null.js [messages] [workers]
 *
 * `DATABASE_URL` names an empty database that is thrown away afterwards, for a superuser. The message is about 8 KB of HTML with 10 tracked links and 10 merge
 * fields; `BENCH_TINY=1` takes one of two lines instead, to see the ledger alone.
 */
import 'reflect-metadata';
import pg from 'pg';
import { affected, APP_ROLE, migrateDatabase, rows } from '../../src/database/index.js';
import { NullProvider } from '../../src/modules/mail/providers/null.provider.js';
import { ContentCompiler } from '../../src/modules/templates/index.js';
import { deliveryWorker, seedCampaign } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { FakeClock } from '../support/fake-clock.js';
import { urlAs, workerUrlOf } from '../support/test-database.js';

const messages = Number(process.argv[2] ?? 40_000);
const workers = Number(process.argv[3] ?? 1);
const url = process.env.DATABASE_URL;
if (!url) throw new Error('DATABASE_URL must name an empty database');
const appUrl = urlAs(url, APP_ROLE);
const sql = new pg.Client({ connectionString: url });
await sql.connect();

const block = (i: number) => `<tr><td style="padding:10px 25px;font-family:Arial;font-size:14px;line-height:1.5;color:#333333;">
<p style="margin:0 0 12px;">Hello {{ contact.first_name | default: "friend" }}, ${'news from the shop, fresh every week. '.repeat(12)}</p>
<a href="https://shop.example/item/${i}?campaign=spring" style="color:#0055cc;">See offer ${i}</a></td></tr>`;
const html = `<!doctype html><html><body><table>${Array.from({ length: 10 }, (_, i) => block(i)).join('\n')}</table></body></html>`;

await migrateDatabase(url, { url: appUrl, workerUrl: workerUrlOf(url) });
const compiler = new ContentCompiler();
const { compiled } = await compiler.compile(
  {
    format: 'html',
    subject: 'News for {{ contact.first_name }}',
    content: process.env.BENCH_TINY ? '<p>Hello {{ contact.first_name }}</p>' : html,
  },
  { unsubscribeFooter: true, trackClicks: true, trackOpens: true },
);
await compiler.onApplicationShutdown();
const clock = new FakeClock(new Date());
const made = await Promise.all(
  Array.from({ length: workers }, () =>
    deliveryWorker(appUrl, enrollmentService, contactEffects, {
      clock,
      provider: new NullProvider(),
      content: compiled!,
      env: { SEND_LEASE_SECONDS: '150', CLAIM_LEASE_SECONDS: '30' },
    }),
  ),
);
const [first] = made;
const campaign = await seedCampaign(first, { contacts: messages });
await sql.query('ANALYZE');

for (let round = 1; round <= 3; round++) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const results = await Promise.all(
    made.map(async ({ delivery }) => {
      let sent = 0;
      for (let more = true; more;) {
        const slice = await delivery.deliverCampaign(campaign.tenantId, campaign.campaignId, { maxMs: 2_000 });
        sent += slice.sent;
        more = slice.more;
      }
      return sent;
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  const sent = results.reduce((sum, n) => sum + n, 0);
  const busy = ((used.user + used.system) / 1e6 / seconds) * 100;
  console.log(
    `round ${round}: ${sent} sent in ${seconds.toFixed(2)} s: ${Math.round(sent / seconds)}/s, this process ${busy.toFixed(0)} % of a core`,
  );
  await first.db.asSystem(async (tx) => {
    const counts = await rows(tx, `SELECT status, count(*)::int FROM emails GROUP BY status`);
    console.log(JSON.stringify(counts));
    await affected(
      tx,
      `UPDATE emails SET status = 'queued', lease_token = NULL, lease_expires_at = NULL, sent_at = NULL, settled_at = NULL, attempts = 0`,
    );
    await affected(tx, `UPDATE campaign_contacts SET current_step_id = $1, next_email_scheduled_at = NULL, last_email_sent_at = NULL`, [
      campaign.stepId,
    ]);
  });
  await sql.query('VACUUM ANALYZE emails');
}
await Promise.all([sql.end(), ...made.map((worker) => worker.close())]);
