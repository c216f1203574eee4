import { affected, row, rows } from '../../src/database/index.js';
import { BreakerQueries } from '../../src/modules/delivery/breaker.queries.js';
import { deliveryWorker, ScriptedProvider, seedCampaign, type SeededCampaign } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../support/poll.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

type Worker = Awaited<ReturnType<typeof deliveryWorker>>;
const ACCOUNT = 'platform/null';

describe('pacing', () => {
  let database: TestDatabase;
  let clock: FakeClock;
  let workers: Worker[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  beforeEach(() => {
    clock = new FakeClock('2030-01-07T08:00:00Z');
  });
  afterEach(async () => {
    await workers[0]?.db.asSystem((tx) => affected(tx, 'DELETE FROM provider_health'));
    await Promise.all(workers.map((worker) => worker.close()));
    workers = [];
  });
  afterAll(() => database.drop());

  async function worker(provider = new ScriptedProvider()): Promise<Worker> {
    const made = await deliveryWorker(database.url, enrollmentService, contactEffects, { clock, provider });
    workers.push(made);
    return made;
  }
  const set = (w: Worker, c: SeededCampaign, columns: string, ...values: unknown[]) =>
    w.db.inTenant(c.tenantId, (tx) =>
      affected(tx, `UPDATE campaigns SET ${columns} WHERE tenant_id = $1 AND id = $2`, [c.tenantId, c.campaignId, ...values]),
    );
  const settings = (w: Worker, c: SeededCampaign, value: object) =>
    w.db.inTenant(c.tenantId, (tx) =>
      affected(tx, `INSERT INTO pacing_settings (tenant_id, settings, updated_at) VALUES ($1, $2, now())`, [
        c.tenantId,
        JSON.stringify(value),
      ]),
    );
  const deliver = async (w: Worker, c: SeededCampaign) =>
    (await w.delivery.deliverCampaign(c.tenantId, c.campaignId, { maxMs: 20_000 })).sent;
  /** What the poller does: again while something is due and goes out or is put off. */
  async function drain(w: Worker, c: SeededCampaign): Promise<number> {
    let sent = 0;
    for (let i = 0; i < 50 && (await due(w, c)) > 0; i++) sent += await deliver(w, c);
    return sent;
  }
  const emails = (w: Worker, c: SeededCampaign) =>
    w.db.inTenant(c.tenantId, (tx) =>
      rows<{ status: string; reason: string | null; attempts: number; due_at: Date; contact_id: string }>(
        tx,
        `SELECT * FROM emails WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY due_at, id`,
        [c.tenantId, c.campaignId],
      ),
    );
  const due = async (w: Worker, c: SeededCampaign) =>
    (await emails(w, c)).filter(({ status, due_at }) => status === 'queued' && due_at <= clock.now()).length;
  const byStatus = async (w: Worker, c: SeededCampaign) => {
    const counts: Record<string, number> = {};
    for (const { status } of await emails(w, c)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };

  describe('a rate', () => {
    it('holds for two processes together and over a restart: the sender keeps the reputation the rate is for', async () => {
      const [a, b] = [await worker(), await worker()];
      const c = await seedCampaign(a, { contacts: 300 });
      await set(a, c, 'send_rate_per_minute = 60');
      await Promise.all([drain(a, c), drain(b, c)]);
      let total = a.provider.handedOver.length + b.provider.handedOver.length;
      // A burst is five seconds' worth.
      expect(total).toBe(5);
      expect(await byStatus(a, c)).toEqual({ sent: 5, queued: 295 });
      for (let second = 1; second <= 60; second++) {
        clock.advance({ seconds: 1 });
        await Promise.all([deliver(a, c), deliver(b, c)]);
        total = a.provider.handedOver.length + b.provider.handedOver.length;
        expect(total).toBeLessThanOrEqual(5 + second);
      }
      expect(total).toBeGreaterThanOrEqual(60);
      const restarted = await worker();
      expect(await drain(restarted, c)).toBe(0);
    });

    it('puts messages over it off, each to a time of its own, and burns no attempts', async () => {
      const w = await worker();
      const c = await seedCampaign(w, { contacts: 120 });
      await set(w, c, 'send_rate_per_minute = 60');
      await drain(w, c);
      const waiting = (await emails(w, c)).filter(({ status }) => status === 'queued');
      expect(waiting).toHaveLength(115);
      for (const email of waiting) expect(email).toMatchObject({ reason: 'rate_limited', attempts: 0 });
      const seconds = waiting.map(({ due_at }) => (due_at.getTime() - clock.now().getTime()) / 1000);
      expect(Math.min(...seconds)).toBeGreaterThan(0);
      expect(Math.max(...seconds)).toBeLessThan(120);
      expect(new Set(seconds.map((s) => Math.round(s))).size).toBeGreaterThan(100);
      clock.advance({ minutes: 1 });
      for (let second = 0; second < 120; second++) {
        clock.advance({ seconds: 1 });
        await deliver(w, c);
      }
      expect(new Set(w.provider.handedOver.map((m) => m.emailId)).size).toBe(120);
      expect(w.provider.handedOver).toHaveLength(120);
    });

    it('for a domain leaves other domains alone, and tokens of messages that may not go out are not lost', async () => {
      const w = await worker();
      const c = await seedCampaign(w, { contacts: 40 });
      await settings(w, c, { domainRates: [{ domain: 'slow.example', perMinute: 60 }] });
      await w.db.inTenant(c.tenantId, (tx) =>
        affected(
          tx,
          `UPDATE contacts k SET email = 'x' || k.id || '@slow.example', email_norm = 'x' || k.id || '@slow.example'
            WHERE tenant_id = $1 AND id IN (SELECT id FROM contacts WHERE tenant_id = $1 ORDER BY id LIMIT 20)`,
          [c.tenantId],
        ),
      );
      // The first five are unsubscribed: their places go to others.
      await w.db.inTenant(c.tenantId, (tx) =>
        affected(
          tx,
          `UPDATE contacts SET subscribed = false, unsubscribed_at = now() WHERE tenant_id = $1 AND id IN (SELECT id FROM contacts WHERE tenant_id = $1 ORDER BY id LIMIT 5)`,
          [c.tenantId],
        ),
      );
      await drain(w, c);
      clock.advance({ ms: 1 });
      await drain(w, c);
      const to = w.provider.handedOver.map((m) => m.to.address);
      expect(to.filter((address) => !address.endsWith('slow.example'))).toHaveLength(20);
      const tokens = await w.db.inTenant(c.tenantId, (tx) =>
        row<{ tokens: number }>(tx, `SELECT tokens FROM send_budgets WHERE tenant_id = $1 AND scope = 'domain'`, [c.tenantId]),
      );
      expect(to.filter((address) => address.endsWith('slow.example')).length + Math.floor(tokens!.tokens)).toBe(5);
    });

    it('of the account holds for all campaigns of the tenant together', async () => {
      const w = await worker();
      const one = await seedCampaign(w, { contacts: 20 });
      const two = await seedCampaign(w, { contacts: 20, tenantId: one.tenantId });
      await settings(w, one, { accountRatePerMinute: 120 });
      await Promise.all([drain(w, one), drain(w, two)]);
      expect(w.provider.handedOver).toHaveLength(10);
    });

    it('that is not set writes no budget', async () => {
      const w = await worker();
      const c = await seedCampaign(w, { contacts: 20 });
      await drain(w, c);
      expect(w.provider.handedOver).toHaveLength(20);
      const found = await w.db.inTenant(c.tenantId, (tx) => rows(tx, `SELECT * FROM send_budgets WHERE tenant_id = $1`, [c.tenantId]));
      expect(found).toEqual([]);
    });
  });

  it('follows a ramp plan by the days of the campaign: the rest waits for tomorrow', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 50 });
    const plan = [
      { day: 1, messages: 5 },
      { day: 2, percent: 20 },
    ];
    await set(w, c, `ramp_plan = $3, total_contacts = 50, timezone = 'Europe/Berlin'`, JSON.stringify(plan));
    expect(await drain(w, c)).toBe(5);
    const waiting = (await emails(w, c)).filter(({ status }) => status === 'queued');
    expect(new Set(waiting.map(({ due_at }) => due_at.toISOString()))).toEqual(new Set(['2030-01-07T23:00:00.000Z']));
    expect(waiting[0].reason).toBe('ramp_limited');
    clock.set('2030-01-07T23:00:00Z');
    expect(await drain(await worker(), c)).toBe(10);
    clock.set('2030-01-08T23:00:00Z');
    expect(await drain(w, c)).toBe(35);
  });

  it('keeps the send window by the clock of each contact', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 4 });
    await set(w, c, 'send_window = $3', JSON.stringify({ from: '09:00', to: '18:00', weekdays: [1, 2, 3, 4, 5] }));
    await w.db.inTenant(c.tenantId, (tx) =>
      affected(
        tx,
        `UPDATE contacts k SET timezone = CASE o.n WHEN 1 THEN 'Europe/Berlin' WHEN 2 THEN 'America/New_York' WHEN 3 THEN 'nowhere/else' END
           FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM contacts WHERE tenant_id = $1) o WHERE k.tenant_id = $1 AND k.id = o.id`,
        [c.tenantId],
      ),
    );
    // 08:00 in London, 09:00 in Berlin, 03:00 in New York.
    expect(await drain(w, c)).toBe(1);
    const waiting = (await emails(w, c)).filter(({ status }) => status === 'queued');
    expect(waiting.map(({ due_at }) => due_at.toISOString())).toEqual([
      '2030-01-07T09:00:00.000Z',
      '2030-01-07T09:00:00.000Z',
      '2030-01-07T14:00:00.000Z',
    ]);
    for (const email of waiting) expect(email).toMatchObject({ reason: 'send_window', attempts: 0 });
    clock.set('2030-01-07T14:00:00Z');
    expect(await drain(w, c)).toBe(3);
  });

  describe('a frequency cap', () => {
    /** Two campaigns of one tenant to the same people. */
    async function pair(w: Worker, contacts: number, cap: object): Promise<[SeededCampaign, SeededCampaign]> {
      const one = await seedCampaign(w, { contacts });
      const two = await seedCampaign(w, { contacts, tenantId: one.tenantId });
      await settings(w, one, { frequencyCap: cap });
      await w.db.inTenant(one.tenantId, async (tx) => {
        const params = [one.tenantId, one.campaignId, two.campaignId];
        const pairs = `(SELECT a.contact_id AS mine, b.contact_id AS other
            FROM (SELECT contact_id, row_number() OVER (ORDER BY contact_id) n FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2) a
            JOIN (SELECT contact_id, row_number() OVER (ORDER BY contact_id) n FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $3) b USING (n)) p`;
        for (const table of ['emails', 'campaign_contacts']) {
          const sql = `UPDATE ${table} t SET contact_id = p.mine FROM ${pairs} WHERE t.tenant_id = $1 AND t.campaign_id = $3 AND t.contact_id = p.other`;
          await affected(tx, sql, params);
        }
      });
      return [one, two];
    }

    it('counts across campaigns that fire at the same moment: nobody gets more than the cap', async () => {
      const [a, b] = [await worker(), await worker()];
      const [one, two] = await pair(a, 60, { messages: 1, perDays: 7 });
      await Promise.all([drain(a, one), drain(b, two)]);
      const to = [...a.provider.handedOver, ...b.provider.handedOver].map((m) => m.to.address);
      expect(to).toHaveLength(60);
      expect(new Set(to).size).toBe(60);
      const waiting = [...(await emails(a, one)), ...(await emails(a, two))].filter(({ status }) => status === 'queued');
      expect(waiting).toHaveLength(60);
      for (const email of waiting) expect(email).toMatchObject({ reason: 'frequency_cap', due_at: new Date('2030-01-14T08:00:00Z') });
      clock.set('2030-01-14T08:00:00Z');
      expect((await drain(a, one)) + (await drain(a, two))).toBe(60);
    });

    it('may leave messages out instead, and lets the contact go on', async () => {
      const w = await worker();
      const [one, two] = await pair(w, 3, { messages: 1, perDays: 7, policy: 'skip' });
      await drain(w, one);
      await drain(w, two);
      expect(await byStatus(w, one)).toEqual({ sent: 3 });
      expect(await byStatus(w, two)).toEqual({ skipped: 3 });
      expect((await emails(w, two))[0].reason).toBe('frequency_cap');
      const moved = await w.db.inTenant(two.tenantId, (tx) =>
        rows<{ current_step_id: string }>(tx, `SELECT * FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2`, [
          two.tenantId,
          two.campaignId,
        ]),
      );
      for (const { current_step_id } of moved) expect(current_step_id).toBe(two.nextStepId);
    });

    it('does not hold up what people need to be told', async () => {
      const w = await worker();
      const [one, two] = await pair(w, 3, { messages: 1, perDays: 7 });
      await set(w, two, `category = 'transactional'`);
      await drain(w, one);
      expect(await drain(w, two)).toBe(3);
    });
  });

  describe('the breaker of an account', () => {
    const down = () => ({ kind: 'retry' as const, reason: 'connection_failed', detail: 'refused', scope: 'message' as const });
    const health = (w: Worker) =>
      w.db.asSystem((tx) =>
        row<{ state: string; openings: number; retry_at: Date; leaseSeconds: number }>(
          tx,
          `SELECT *, extract(epoch FROM retry_at - clock_timestamp())::float8 AS "leaseSeconds" FROM provider_health WHERE account_key = $1`,
          [ACCOUNT],
        ),
      );
    const letProbe = (w: Worker) =>
      w.db.asSystem((tx) => affected(tx, `UPDATE provider_health SET retry_at = clock_timestamp() - interval '1 ms'`));

    it('opens when half of the messages fail, in every process, and burns no attempts while it is open', async () => {
      const [a, b] = [await worker(), await worker()];
      const c = await seedCampaign(a, { contacts: 300 });
      a.provider.answer = down;
      await drain1(a, c);
      const tried = a.provider.handedOver.length;
      expect(tried).toBeGreaterThanOrEqual(20);
      expect(tried).toBeLessThan(300);
      expect(await health(a)).toMatchObject({ state: 'open' });
      expect(await deliver(b, c)).toBe(0);
      expect(b.provider.handedOver).toHaveLength(0);
      const untouched = (await emails(a, c)).filter(({ attempts }) => attempts === 0);
      expect(untouched).toHaveLength(300 - tried);
      for (const email of untouched) expect(email.status).toBe('queued');
    });

    it('sends one probe, waits longer after each that fails, and closes after one that works', async () => {
      const w = await worker();
      const c = await seedCampaign(w, { contacts: 300 });
      w.provider.answer = down;
      await drain1(w, c);
      const tried = w.provider.handedOver.length;
      await letProbe(w);
      const other = await worker(w.provider);
      await Promise.all([deliver(w, c), deliver(other, c)]);
      expect(w.provider.handedOver.length).toBe(tried + 1);
      expect(await health(w)).toMatchObject({ state: 'open', openings: 2 });
      w.provider.answer = () => ({ kind: 'accepted', providerMessageId: null });
      await letProbe(w);
      expect(await deliver(w, c)).toBe(1);
      expect(await health(w)).toMatchObject({ state: 'closed', openings: 0 });
      await drain(w, c);
      clock.advance({ minutes: 2 });
      await drain(w, c);
      expect(await byStatus(w, c)).toEqual({ sent: 300 });
    });

    it('is not left shut for minutes by a worker that dies with the probe, nor probed twice beside one that only takes long', async () => {
      const [a, b] = [await worker(), await worker()];
      await a.breaker.record(ACCOUNT, [{ kind: 'retry', reason: 'account_fault', detail: '401', scope: 'account' }]);
      await letProbe(a);
      expect(await a.breaker.admit(ACCOUNT)).toBe('probe');
      const first = await health(a);
      expect(first!.leaseSeconds).toBeLessThan(10);
      // It lives: the lease is renewed, and nobody else gets the probe.
      await until(async () => (await health(a))!.retry_at > first!.retry_at, { what: 'the lease to be renewed' });
      expect(await b.breaker.admit(ACCOUNT)).toBe('open');
      // As if it had died and its lease run out: the other takes over, and what is left of the first cannot hold it up.
      await letProbe(a);
      expect(await b.breaker.admit(ACCOUNT)).toBe('probe');
      const late = first!.retry_at.toISOString();
      expect(await a.db.asSystem((tx) => new BreakerQueries().renewProbe(tx, ACCOUNT, late, 3_600))).toBeNull();
      expect((await health(a))!.leaseSeconds).toBeLessThan(10);
      await b.breaker.reportProbe(ACCOUNT, [{ kind: 'accepted', providerMessageId: null }]);
      expect(await health(a)).toMatchObject({ state: 'closed' });
    });

    it('opens at once when the account is refused, and leaves other accounts alone', async () => {
      const w = await worker();
      await w.breaker.record('tenant/a', [{ kind: 'retry', reason: 'account_fault', detail: '401', scope: 'account' }]);
      expect(await w.breaker.admit('tenant/a')).toBe('open');
      expect(await w.breaker.admit('tenant/b')).toBe('closed');
      const c = await seedCampaign(w, { contacts: 5 });
      expect(await drain(w, c)).toBe(5);
    });

    it('stays closed when messages are refused or the account is throttled: the way works', async () => {
      const w = await worker();
      const refused = Array.from({ length: 50 }, () => ({ kind: 'failed' as const, reason: 'recipient_refused', detail: '550' }));
      await w.breaker.record(ACCOUNT, refused);
      const throttled = Array.from({ length: 50 }, () => ({
        kind: 'retry' as const,
        reason: 'throttled',
        detail: '429',
        scope: 'account' as const,
      }));
      await w.breaker.record(ACCOUNT, throttled);
      expect(await w.breaker.admit(ACCOUNT)).toBe('closed');
    });

    async function drain1(w: Worker, c: SeededCampaign): Promise<void> {
      for (let i = 0; i < 20 && (await health(w))?.state !== 'open'; i++) await deliver(w, c);
    }
  });

  describe('the guard', () => {
    async function bounce(w: Worker, c: SeededCampaign, n: number, type = 'bounced'): Promise<void> {
      const sent = await w.db.inTenant(c.tenantId, (tx) =>
        rows<{ id: string }>(
          tx,
          `SELECT id FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'sent' ORDER BY id LIMIT $3`,
          [c.tenantId, c.campaignId, n],
        ),
      );
      const at = clock.now();
      await w.db.inTenant(c.tenantId, (tx) =>
        w.tracking.append(
          tx,
          c.tenantId,
          sent.map(({ id }) => ({
            emailId: id,
            dedupeKey: `${type}-${id}`,
            type: type as 'bounced',
            occurredAt: at,
            source: 'sendgrid',
            bounceClass: 'hard' as const,
          })),
        ),
      );
      while ((await w.delivery.applyEvents(1_000)) > 0);
    }
    const campaign = (w: Worker, c: SeededCampaign) =>
      w.db.inTenant(c.tenantId, (tx) =>
        row<{ status: string; pause_reason: string | null; pause_detail: string | null }>(
          tx,
          'SELECT * FROM campaigns WHERE tenant_id = $1 AND id = $2',
          [c.tenantId, c.campaignId],
        ),
      );

    it('pauses a campaign whose messages bounce, says why, and the rest stays unsent', async () => {
      const w = await worker();
      const c = await seedCampaign(w, { contacts: 200 });
      await set(w, c, 'ramp_plan = $3', JSON.stringify([{ day: 1, messages: 120 }]));
      expect(await drain(w, c)).toBe(120);
      await bounce(w, c, 5);
      expect(await campaign(w, c)).toMatchObject({ status: 'active', pause_reason: null });
      await bounce(w, c, 1);
      await w.guard.check(c.tenantId, c.campaignId);
      expect(await campaign(w, c)).toMatchObject({ status: 'paused', pause_reason: 'bounce_rate' });
      expect((await campaign(w, c))!.pause_detail).toBe('6 bounces of 120 messages sent: 5.00 %, the limit is 5 %');
      const audit = await w.db.inTenant(c.tenantId, (tx) =>
        row(tx, `SELECT action, actor_type, after FROM audit_log WHERE tenant_id = $1 AND entity_id = $2`, [c.tenantId, c.campaignId]),
      );
      expect(audit).toMatchObject({ action: 'campaign.paused', actor_type: 'system', after: { reason: 'bounce_rate' } });
      clock.set('2030-01-09T00:00:00Z');
      expect(await deliver(w, c)).toBe(0);
      expect(await byStatus(w, c)).toMatchObject({ queued: 80 });
    });

    it('takes complaints more seriously, by the figures of the campaign', async () => {
      const w = await worker();
      const c = await seedCampaign(w, { contacts: 50 });
      await set(w, c, 'pause_thresholds = $3', JSON.stringify({ complaintPercent: 2, complaintMinSent: 50 }));
      await drain(w, c);
      await bounce(w, c, 1, 'complained');
      expect(await campaign(w, c)).toMatchObject({ status: 'paused', pause_reason: 'complaint_rate' });
    });
  });
});
