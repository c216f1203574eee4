import { affected, row, rows } from '../../src/database/index.js';
import { CAMPAIGN_LOCK } from '../../src/modules/campaigns/index.js';
import { deliveryWorker, seedCampaign, type SeededCampaign } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { FakeClock } from '../support/fake-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

type Worker = Awaited<ReturnType<typeof deliveryWorker>>;

describe('suppression', () => {
  let database: TestDatabase;
  let clock: FakeClock;
  let w: Worker;

  beforeEach(async () => {
    database = await createTestDatabase();
    clock = new FakeClock('2030-01-07T08:00:00Z');
    w = await deliveryWorker(database.url, enrollmentService, contactEffects, { clock });
  });
  afterEach(async () => {
    await w.close();
    await database.drop();
  });

  const addressesOf = async (c: SeededCampaign) =>
    (
      await w.db.inTenant(c.tenantId, (tx) =>
        rows<{ email: string }>(tx, `SELECT email FROM contacts WHERE tenant_id = $1 ORDER BY id`, [c.tenantId]),
      )
    ).map(({ email }) => email);

  it('of 10,000 people while their campaign sends lets nothing more out to them once it is committed', async () => {
    const c = await seedCampaign(w, { contacts: 12_000 });
    const addresses = await addressesOf(c);
    // The last to be sent are the first to be suppressed, so that much is still to come.
    const unwanted = addresses.slice(-10_000).reverse();
    const allowed = new Set<string>(addresses);
    const effects = contactEffects();
    const sending = w.delivery.deliverCampaign(c.tenantId, c.campaignId, { maxMs: 60_000 });
    for (let at = 0; at < unwanted.length; at += 1_000) {
      const batch = unwanted.slice(at, at + 1_000);
      await w.db.inTenant(c.tenantId, (tx) =>
        effects.suppress(
          tx,
          c.tenantId,
          batch.map((email) => ({ email, reason: 'complaint', source: 'test' })),
        ),
      );
      // Whatever passed the gate before the commit is visible once everybody who was in it has left.
      const fired = await w.db.inTenant(c.tenantId, async (tx) => {
        await rows(tx, 'SELECT pg_advisory_xact_lock($1::int, hashtext($2::text))', [CAMPAIGN_LOCK, c.campaignId]);
        return rows<{ email: string }>(
          tx,
          `SELECT k.email FROM emails e JOIN contacts k ON k.tenant_id = e.tenant_id AND k.id = e.contact_id
            WHERE e.tenant_id = $1 AND e.sending_at IS NOT NULL`,
          [c.tenantId],
        );
      });
      const before = new Set(fired.map(({ email }) => email));
      for (const email of batch) if (!before.has(email)) allowed.delete(email);
    }
    await sending;
    // What a slice leaves, because the lease of its claim ran out on a slow machine, the next one takes.
    for (let slice = 0; slice < 20; slice++) await w.delivery.deliverCampaign(c.tenantId, c.campaignId, { maxMs: 20_000 });
    expect(allowed.size).toBeLessThan(12_000);
    expect(w.provider.handedOver.filter(({ to }) => !allowed.has(to.address))).toEqual([]);
    const left = await w.db.inTenant(c.tenantId, (tx) =>
      row<{ open: number; live: number }>(
        tx,
        `SELECT (SELECT count(*)::int FROM emails WHERE tenant_id = $1 AND status IN ('queued', 'sending')) AS open,
                (SELECT count(*)::int FROM campaign_contacts n JOIN contacts k ON k.tenant_id = n.tenant_id AND k.id = n.contact_id
                  JOIN suppressions s ON s.tenant_id = n.tenant_id AND s.email_norm = k.email_norm
                 WHERE n.tenant_id = $1 AND n.status IN ('enrolled', 'active', 'paused')) AS live`,
        [c.tenantId],
      ),
    );
    expect(left).toEqual({ open: 0, live: 0 });
  });

  describe('by soft bounces', () => {
    let c: SeededCampaign;
    let email: string;
    let sent: { id: string }[];
    let told = 0;

    beforeEach(async () => {
      c = await seedCampaign(w, { contacts: 1 });
      await w.delivery.deliverCampaign(c.tenantId, c.campaignId, { maxMs: 5_000 });
      [email] = await addressesOf(c);
      sent = await w.db.inTenant(c.tenantId, (tx) => rows(tx, 'SELECT id FROM emails WHERE tenant_id = $1', [c.tenantId]));
    });

    const tell = (
      type: 'bounced' | 'delivered',
      minutes: number,
      bounceClass: 'soft' | 'block' | null = type === 'bounced' ? 'soft' : null,
    ) =>
      w.db.inTenant(c.tenantId, (tx) =>
        w.tracking.append(tx, c.tenantId, [
          {
            emailId: sent[0].id,
            type,
            source: 'sendgrid',
            occurredAt: new Date(clock.now().getTime() + minutes * 60_000),
            dedupeKey: `told-${++told}`,
            ...(bounceClass ? { bounceClass } : {}),
          } as Parameters<typeof w.tracking.append>[2][number],
        ]),
      );
    const reason = async () =>
      (
        await w.db.inTenant(c.tenantId, (tx) =>
          row<{ reason: string }>(tx, 'SELECT reason FROM suppressions WHERE tenant_id = $1 AND email_norm = $2', [c.tenantId, email]),
        )
      )?.reason ?? null;
    const exit = async () =>
      (await w.db.inTenant(c.tenantId, (tx) =>
        row<{ status: string; exit_reason: string | null }>(tx, 'SELECT status, exit_reason FROM campaign_contacts WHERE tenant_id = $1', [
          c.tenantId,
        ]),
      ))!;

    it('comes with the fifth in a row, and takes the person out of running campaigns', async () => {
      for (let i = 1; i <= 4; i++) await tell('bounced', i);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBeNull();
      expect((await exit()).status).toBe('active');
      await tell('bounced', 5);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBe('soft_bounces');
      expect(await exit()).toEqual({ status: 'exited', exit_reason: 'bounced' });
    });

    it('begins anew when something was delivered in between, but not for a delivery from before', async () => {
      for (let i = 1; i <= 4; i++) await tell('bounced', i);
      await w.delivery.applyEvents(100);
      await tell('delivered', 3);
      await w.delivery.applyEvents(100);
      await tell('delivered', 6);
      await w.delivery.applyEvents(100);
      for (let i = 7; i <= 10; i++) await tell('bounced', i);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBeNull();
      await tell('bounced', 11);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBe('soft_bounces');
    });

    it('counts one batch in the order of the events’ times, whatever order they are told in', async () => {
      for (let i = 1; i <= 4; i++) await tell('bounced', i);
      await w.delivery.applyEvents(100);
      await tell('bounced', 7);
      await tell('delivered', 6);
      await tell('bounced', 5);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBeNull();
      for (let i = 8; i <= 10; i++) await tell('bounced', i);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBeNull();
      await tell('bounced', 11);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBe('soft_bounces');
    });

    it('forgets those before a delivery that is told last, and those that are told only after it', async () => {
      await w.db.asSystem((tx) => affected(tx, 'UPDATE tenants SET soft_bounce_limit = 3 WHERE id = $1', [c.tenantId]));
      await tell('bounced', 5);
      await tell('bounced', 1);
      await w.delivery.applyEvents(100);
      await tell('delivered', 3);
      await w.delivery.applyEvents(100);
      await tell('bounced', 2);
      await w.delivery.applyEvents(100);
      await tell('bounced', 6);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBeNull();
      await tell('bounced', 7);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBe('soft_bounces');
    });

    it('follows the tenant’s own limit, and does not count what was blocked because of the sender', async () => {
      await w.db.asSystem((tx) => affected(tx, 'UPDATE tenants SET soft_bounce_limit = 2 WHERE id = $1', [c.tenantId]));
      await tell('bounced', 1);
      await tell('bounced', 2, 'block');
      await tell('bounced', 3, 'block');
      await w.delivery.applyEvents(100);
      expect(await reason()).toBeNull();
      await tell('bounced', 4);
      await w.delivery.applyEvents(100);
      expect(await reason()).toBe('soft_bounces');
    });
  });
});
