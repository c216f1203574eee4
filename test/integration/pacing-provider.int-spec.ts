import { affected, rows } from '../../src/database/index.js';
import { SendGridProvider } from '../../src/modules/mail/providers/sendgrid.provider.js';
import { deliveryWorker, seedCampaign, type SeededCampaign } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { FakeClock } from '../support/fake-clock.js';
import { SendGridDouble } from '../support/sendgrid-double.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

type Worker = Awaited<ReturnType<typeof deliveryWorker>>;

/** One process after the other against one provider: what a process has learned is gone with it, what it has written is not. */
describe('pacing by what the provider says', () => {
  let database: TestDatabase;
  let sendgrid: SendGridDouble;
  let clock: FakeClock;

  beforeAll(async () => {
    [database, sendgrid] = await Promise.all([createTestDatabase(), SendGridDouble.start()]);
  });
  beforeEach(() => {
    clock = new FakeClock('2030-01-07T08:00:00Z');
    sendgrid.messages.length = 0;
    sendgrid.script = undefined;
  });
  afterAll(async () => {
    await sendgrid?.stop();
    await database?.drop();
  });

  async function withWorker<T>(fn: (w: Worker) => Promise<T>): Promise<T> {
    const provider = new SendGridProvider({ apiKey: sendgrid.apiKey, baseUrl: sendgrid.url, connections: 4 }, clock);
    const w = await deliveryWorker(database.url, enrollmentService, contactEffects, { clock, provider });
    try {
      return await fn(w);
    } finally {
      await w.close();
      await provider.close();
    }
  }
  const deliver = (w: Worker, c: SeededCampaign) => w.delivery.deliverCampaign(c.tenantId, c.campaignId, { maxMs: 20_000 });
  const emails = (w: Worker, c: SeededCampaign) =>
    w.db.inTenant(c.tenantId, (tx) =>
      rows<{ status: string; reason: string | null; attempts: number; due_at: Date }>(
        tx,
        'SELECT status, reason, attempts, due_at FROM emails WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY due_at, id',
        [c.tenantId, c.campaignId],
      ),
    );

  it.each([
    ['that names seconds', { 'retry-after': '90' }, 90],
    ['that names a date', { 'retry-after': 'Mon, 07 Jan 2030 08:05:00 GMT' }, 300],
    ['that names a reset', { 'x-ratelimit-reset': String(Date.parse('2030-01-07T08:02:00Z') / 1000) }, 120],
    ['that names no time', {}, 24],
  ])(
    'a refusal for pace %s puts messages off at least so long, loses none, sends none twice and uses up no attempt',
    async (_what, headers, seconds) => {
      const c = await withWorker((w) => seedCampaign(w, { contacts: 60 }));
      let refused = 0;
      sendgrid.script = ({ nth }) =>
        nth % 3 === 0 || refused >= 20 ? undefined : (refused++, { status: 429, headers: headers as Record<string, string> });
      let rounds = 0;
      for (let open = 60; open > 0 && rounds < 40; rounds++) {
        const before = refused;
        open = await withWorker(async (w) => {
          await deliver(w, c);
          const found = await emails(w, c);
          if (rounds === 0) {
            const throttled = found.filter(({ reason }) => reason === 'throttled');
            expect(throttled).toHaveLength(refused - before);
            for (const { due_at } of throttled) expect(due_at.getTime() - clock.now().getTime()).toBeGreaterThanOrEqual(seconds * 1_000);
          }
          return found.filter(({ status }) => status !== 'sent').length;
        });
        clock.advance({ minutes: 6 });
      }
      expect(refused).toBe(20);
      const to = sendgrid.messages.map((mail) => mail.personalizations[0].to[0].email);
      expect(to).toHaveLength(60);
      expect(new Set(to).size).toBe(60);
      const rest = (await withWorker((w) => emails(w, c))).filter(({ status, attempts }) => status !== 'sent' || attempts !== 1);
      expect(rest).toEqual([]);
    },
  );

  it('ends quiet hours by the local clock also in the night it changes', async () => {
    clock.set('2030-03-30T22:30:00Z');
    await withWorker(async (w) => {
      const c = await seedCampaign(w, { contacts: 2 });
      await w.db.inTenant(c.tenantId, async (tx) => {
        await affected(tx, `INSERT INTO pacing_settings (tenant_id, settings, updated_at) VALUES ($1, $2, now())`, [
          c.tenantId,
          JSON.stringify({ quietHours: { from: '22:00', to: '08:00' } }),
        ]);
        await affected(
          tx,
          `UPDATE contacts k SET timezone = CASE o.n WHEN 1 THEN 'Europe/Berlin' ELSE 'Africa/Tunis' END
             FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM contacts WHERE tenant_id = $1) o WHERE k.tenant_id = $1 AND k.id = o.id`,
          [c.tenantId],
        );
      });
      await deliver(w, c);
      expect(sendgrid.messages).toEqual([]);
      // 08:00 in Berlin is an hour earlier from that night on; in Tunis nothing changes.
      const waiting = await emails(w, c);
      expect(waiting.map(({ due_at }) => due_at.toISOString())).toEqual(['2030-03-31T06:00:00.000Z', '2030-03-31T07:00:00.000Z']);
      clock.set('2030-03-31T05:59:59Z');
      await deliver(w, c);
      expect(sendgrid.messages).toHaveLength(0);
      clock.set('2030-03-31T06:00:00Z');
      await deliver(w, c);
      expect(sendgrid.messages).toHaveLength(1);
      clock.set('2030-03-31T07:00:00Z');
      await deliver(w, c);
      expect(sendgrid.messages).toHaveLength(2);
    });
  });
});
