import type { Benchmark } from '../lib/benchmark.js';
import { templateEmail, untilSent } from '../lib/campaigns.js';
import { seedContacts } from '../lib/seed.js';
import { Stage } from '../lib/stage.js';
import { seconds, until } from '../lib/wait.js';

/** As the webhook will leave them: three events for each message, 5 % repeated under another key. */
const INSERT = `
  INSERT INTO email_events (tenant_id, occurred_at, email_id, type, source, dedupe_key, user_agent)
  SELECT e.tenant_id, now(), e.id, t.type, 'webhook', format('bench:%s:%s:%s', t.type, e.id, t.copy), 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'
  FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM emails WHERE tenant_id = $1 AND campaign_id = $2) e
  CROSS JOIN (VALUES ('delivered', 1), ('opened', 1), ('clicked', 1), ('delivered', 2)) t (type, copy)
  WHERE t.copy = 1 OR e.n % 7 = 0`;

export const events: Benchmark = {
  name: 'events',
  about: 'provider events applied to ledger and counters (inserted by SQL as long as there is no POST /webhooks/sendgrid/events)',
  size: 100_000,
  run: (size, options) => {
    const messages = Math.ceil(size / 3.15);
    return Stage.use({ options, prepare: ({ cluster, tenantId }) => seedContacts(cluster, tenantId, messages) }, async (stage) => {
      const { api, cluster, tenantId } = stage;
      const campaignId = await api.campaign({ name: 'Spring', segmentId: await api.segment('Everybody') }, [await templateEmail(stage)]);
      await api.launch(campaignId);
      await untilSent(stage, campaignId, messages, 600_000);
      const { status } = await fetch(new URL('/webhooks/sendgrid/events', stage.product.baseUrl), { method: 'POST', body: '[]' });
      await cluster.settle('contacts', 'emails', 'campaign_contacts', 'email_events');
      const meter = stage.meter();
      let inserted = 0;
      const unapplied = () => cluster.value<boolean>('SELECT NOT EXISTS (SELECT FROM email_events WHERE applied_at IS NULL)');
      const took = await seconds(async () => {
        inserted = (await cluster.sql.query(INSERT, [tenantId, campaignId])).rowCount ?? 0;
        await until('all events to be applied', unapplied);
      });
      const processes = meter.read();
      const settled = await cluster.value<number>(
        `SELECT count(*)::int FROM emails WHERE campaign_id = $1 AND status = 'delivered' AND first_opened_at IS NOT NULL AND first_clicked_at IS NOT NULL`,
        [campaignId],
      );
      if (settled !== messages) throw new Error(`${settled} of ${messages} messages show their events`);
      const note =
        status === 404
          ? 'Only the application of events: there is no POST /webhooks/sendgrid/events yet.'
          : `POST /webhooks/sendgrid/events answers ${status}: measure it here instead of inserting.`;
      return {
        lines: [{ what: 'events inserted and applied', unit: 'events/s', ours: inserted / took, target: { atLeast: 5_000 } }],
        processes,
        notes: [note, ...(await stage.notes())],
      };
    });
  },
};
