import { affected, row, rows } from '../../src/database/index.js';
import type { OutgoingMessage, SendOutcome } from '../../src/modules/mail/index.js';
import { CAMPAIGN_LOCK } from '../../src/modules/campaigns/index.js';
import { deliveryWorker, seedCampaign, ScriptedProvider, type SeededCampaign, UNPACED } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../support/poll.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

type Worker = Awaited<ReturnType<typeof deliveryWorker>>;

describe('delivery', () => {
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
    await Promise.all(workers.map((worker) => worker.close()));
    workers = [];
  });
  afterAll(() => database.drop());

  async function worker(provider = new ScriptedProvider(), env: Record<string, string> = {}): Promise<Worker> {
    const made = await deliveryWorker(database.url, enrollmentService, contactEffects, { clock, provider, env });
    workers.push(made);
    return made;
  }
  const emails = (w: Worker, c: SeededCampaign) =>
    w.db.inTenant(c.tenantId, (tx) =>
      rows<{ id: string; status: string; reason: string | null; attempts: number; due_at: Date; sent_at: Date | null; contact_id: string }>(
        tx,
        `SELECT * FROM emails WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY id`,
        [c.tenantId, c.campaignId],
      ),
    );
  const enrollments = (w: Worker, c: SeededCampaign) =>
    w.db.inTenant(c.tenantId, (tx) =>
      rows<{ status: string; current_step_id: string; exit_reason: string | null; next_email_scheduled_at: Date | null }>(
        tx,
        `SELECT * FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY id`,
        [c.tenantId, c.campaignId],
      ),
    );
  const sql = (w: Worker, c: SeededCampaign, text: string, ...params: unknown[]) =>
    w.db.inTenant(c.tenantId, (tx) => affected(tx, text, [c.tenantId, ...params]));
  const deliver = (w: Worker, c: SeededCampaign, maxMs = 20_000) => w.delivery.deliverCampaign(c.tenantId, c.campaignId, { maxMs });

  it('sends every due message once and moves its contact on to the next step', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 57 });
    expect(await deliver(w, c)).toEqual({ sent: 57, more: false });
    expect(new Set(w.provider.handedOver.map((m) => m.to.address)).size).toBe(57);
    expect(w.provider.handedOver).toHaveLength(57);
    for (const email of await emails(w, c)) expect(email).toMatchObject({ status: 'sent', attempts: 1, sent_at: clock.now() });
    for (const enrollment of await enrollments(w, c)) {
      expect(enrollment).toMatchObject({ status: 'active', current_step_id: c.nextStepId, next_email_scheduled_at: clock.now() });
    }
    const [message] = w.provider.handedOver;
    expect(message).toMatchObject({
      messageId: `<${message.emailId}@mail.acme.example>`,
      from: { address: 'news@acme.example', name: 'Acme' },
      subject: expect.stringMatching(/^Hello Person \d+$/) as string,
    });
    expect(message.headers['List-Unsubscribe']).toMatch(/^<https:\/\/mail\.acme\.example\/u\/[\w-]{88}>$/);
    expect(message.headers['List-Unsubscribe-Post']).toBe('List-Unsubscribe=One-Click');
  });

  it('plans a step once per entry, however often it is asked to: nobody gets a step twice (I1)', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 3 });
    const planned = await w.db.inTenant(c.tenantId, async (tx) => {
      const again = await rows<{ enrollmentId: string; contactId: string; entryNumber: number }>(
        tx,
        `SELECT enrollment_id AS "enrollmentId", contact_id AS "contactId", entry_number AS "entryNumber" FROM emails WHERE tenant_id = $1 AND campaign_id = $2`,
        [c.tenantId, c.campaignId],
      );
      return w.ledger.plan(
        tx,
        c.tenantId,
        c.campaignId,
        c.stepId,
        again.map((e) => ({ ...e, dueAt: clock.now() })),
      );
    });
    expect(planned).toBe(0);
    await deliver(w, c);
    await deliver(w, c);
    expect(w.provider.handedOver).toHaveLength(3);
  });

  it('gives every message to one of several workers only, even when they start at once', async () => {
    const [a, b] = [await worker(new ScriptedProvider(7, 3)), await worker(new ScriptedProvider(7, 3))];
    const c = await seedCampaign(a, { contacts: 400 });
    const results = await Promise.all([deliver(a, c), deliver(b, c), deliver(a, c)]);
    // Whoever came last may have found the rest claimed by another.
    expect(results.reduce((sum, { sent }) => sum + sent, 0)).toBe(400);
    const all = [...a.provider.handedOver, ...b.provider.handedOver].map((m) => m.emailId);
    expect(new Set(all).size).toBe(400);
    expect(all).toHaveLength(400);
  });

  it('does not take what another worker has claimed, until its lease has run out', async () => {
    const [a, b] = [await worker(), await worker()];
    const c = await seedCampaign(a, { contacts: 20 });
    const held = await a.claims.claim(c.tenantId, c.campaignId, 15, null);
    expect(held.emails).toHaveLength(15);
    expect((await deliver(b, c)).sent).toBe(5);
    await sql(a, c, `UPDATE emails SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE tenant_id = $1 AND status = 'queued'`);
    expect((await deliver(b, c)).sent).toBe(15);
    // The slow worker comes back: its token is worth nothing now.
    const campaign = await sendingCampaign(a, c);
    const { fired } = await a.gate.fire(campaign, held.token, held.emails, a.outlet);
    expect(fired.size).toBe(0);
  });

  it('never sends again what was with a worker that died: it is unknown, and after the grace period the contact goes on', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 4 });
    await fireAndAbandon(w, c);
    expect(await w.delivery.recoverExpired()).toBe(0);
    await expireLeases(w, c);
    expect(await w.delivery.recoverExpired()).toBe(4);
    expect(await emails(w, c)).toEqual(expect.arrayContaining([expect.objectContaining({ status: 'unknown', reason: 'lease_expired' })]));
    expect((await deliver(w, c)).sent).toBe(0);
    expect(await w.delivery.settleUnknown()).toBe(0);
    clock.advance({ hours: 2 });
    expect(await w.delivery.settleUnknown()).toBe(4);
    expect(await w.delivery.settleUnknown()).toBe(0);
    expect((await deliver(w, c)).sent).toBe(0);
    expect(w.provider.handedOver).toHaveLength(0);
    for (const email of await emails(w, c)) expect(email).toMatchObject({ status: 'unknown', settled_at: clock.now() });
    for (const enrollment of await enrollments(w, c)) expect(enrollment).toMatchObject({ current_step_id: c.nextStepId });
  });

  it('sends it again where the campaign says so, and gives up on a message that ends its worker twice', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 2, unknownPolicy: 'resend' });
    for (let crash = 1; crash <= 2; crash++) {
      await fireAndAbandon(w, c);
      await expireLeases(w, c);
      await w.delivery.recoverExpired();
      clock.advance({ hours: 2 });
      await w.delivery.settleUnknown();
    }
    for (const email of await emails(w, c)) expect(email).toMatchObject({ status: 'failed', reason: 'poison', attempts: 2 });
    for (const enrollment of await enrollments(w, c)) expect(enrollment.status).toBe('failed');
  });

  it('takes a late success: a worker slower than its lease has still sent the message', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 1 });
    const { token, emails: claimed } = await fireAndAbandon(w, c);
    await expireLeases(w, c);
    await w.delivery.recoverExpired();
    const [email] = claimed;
    const late = { ...email, token, status: 'sent' as const, reason: null, detail: null, at: clock.now(), providerMessageId: 'p-9' };
    expect(await w.settlements.settle(c.tenantId, [{ ...late, token: c.tenantId }])).toBe(0);
    expect(await w.settlements.settle(c.tenantId, [late])).toBe(1);
    expect(await emails(w, c)).toEqual([expect.objectContaining({ status: 'sent', provider_message_id: 'p-9' })]);
    expect(await w.settlements.settle(c.tenantId, [{ ...late, status: 'failed', reason: 'x' }])).toBe(0);
  });

  it('hands over nothing after a pause has returned, beyond what was under way (I3)', async () => {
    const provider = new ScriptedProvider(1, 2);
    const w = await worker(provider);
    const c = await seedCampaign(w, { contacts: 200 });
    provider.answer = async () => {
      await new Promise(setImmediate);
      return { kind: 'accepted', providerMessageId: null };
    };
    const run = deliver(w, c);
    await until(() => provider.handedOver.length > 20);
    const inFlight = await w.db.inTenant(c.tenantId, async (tx) => {
      await row(tx, `SELECT pg_advisory_xact_lock($1, hashtext($2))`, [CAMPAIGN_LOCK, c.campaignId]);
      await affected(tx, `UPDATE campaigns SET status = 'paused' WHERE tenant_id = $1 AND id = $2`, [c.tenantId, c.campaignId]);
      return w.ledger.countInFlight(tx, c.tenantId, c.campaignId);
    });
    const atPause = provider.handedOver.length;
    expect((await run).more).toBe(false);
    expect(provider.handedOver.length - atPause).toBeLessThanOrEqual(inFlight);
    const left = (await emails(w, c)).filter(({ status }) => status === 'queued');
    expect(left.length).toBe(200 - provider.handedOver.length);
    expect(left.length).toBeGreaterThan(0);
    await sql(w, c, `UPDATE campaigns SET status = 'active' WHERE tenant_id = $1 AND id = $2`, c.campaignId);
    // At once: rows that were claimed when the pause came have been put back.
    expect((await deliver(w, c)).sent).toBe(left.length);
    expect(new Set(provider.handedOver.map((m) => m.emailId)).size).toBe(200);
  });

  it('looks at consent when it fires, not when it claims (I6)', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 7 });
    const claim = await w.claims.claim(c.tenantId, c.campaignId, 10, null);
    const ids = claim.emails.map((e) => e.contactId);
    const effects = contactEffects();
    await w.db.inTenant(c.tenantId, async (tx) => {
      await effects.unsubscribe(tx, c.tenantId, ids[0], { reason: 'test', at: clock.now(), source: 'page' });
      await effects.suppress(tx, c.tenantId, [{ email: claim.emails[1].email.toUpperCase(), reason: 'complaint', source: 'test' }]);
      await affected(tx, `UPDATE contacts SET deleted_at = $3 WHERE tenant_id = $1 AND id = $2`, [c.tenantId, ids[2], clock.now()]);
      await affected(tx, `UPDATE contacts SET email = 'new@example.com', email_norm = 'new@example.com' WHERE tenant_id = $1 AND id = $2`, [
        c.tenantId,
        ids[3],
      ]);
      await affected(
        tx,
        `UPDATE campaign_contacts SET status = 'exited', exit_reason = 'goal', exited_at = $3 WHERE tenant_id = $1 AND contact_id = $2`,
        [c.tenantId, ids[4], clock.now()],
      );
      await affected(tx, `UPDATE campaign_contacts SET status = 'paused' WHERE tenant_id = $1 AND contact_id = $2`, [c.tenantId, ids[5]]);
    });
    const { fired, isClosed } = await w.gate.fire(await sendingCampaign(w, c), claim.token, claim.emails, w.outlet);
    expect([...fired]).toEqual([claim.emails[6].id]);
    expect(isClosed).toBe(false);
    const byContact = new Map((await emails(w, c)).map((email) => [email.contact_id, email]));
    expect(ids.slice(0, 6).map((id) => [byContact.get(id)?.status, byContact.get(id)?.reason])).toEqual([
      ['skipped', 'unsubscribed'],
      ['skipped', 'suppressed'],
      ['skipped', 'contact_deleted'],
      ['queued', 'address_changed'],
      ['skipped', 'enrollment_ended'],
      ['queued', 'enrollment_paused'],
    ]);
    const exits = (await enrollments(w, c)).map(({ exit_reason }) => exit_reason).filter(Boolean);
    expect(exits.sort()).toEqual(['complained', 'contact_deleted', 'goal', 'unsubscribed']);
    await deliver(w, c);
    expect(w.provider.handedOver.map((m) => m.to.address)).toEqual(['new@example.com']);
  });

  it('sends transactional mail to people who unsubscribed, but not to addresses that bounced', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 2, category: 'transactional' });
    const [a, b] = await emails(w, c);
    await w.db.inTenant(c.tenantId, async (tx) => {
      await contactEffects().unsubscribe(tx, c.tenantId, a.contact_id, { reason: 'test', at: clock.now(), source: 'page' });
      const { email } = (await row<{ email: string }>(tx, `SELECT email FROM contacts WHERE tenant_id = $1 AND id = $2`, [
        c.tenantId,
        b.contact_id,
      ]))!;
      await contactEffects().suppress(tx, c.tenantId, [{ email, reason: 'hard_bounce', source: 'test' }]);
    });
    await deliver(w, c);
    expect((await emails(w, c)).map(({ status }) => status)).toEqual(['sent', 'skipped']);
  });

  it.each(['message', 'account'] as const)(
    'does not give up mail that only waited: a pause of days, then one refusal (%s)',
    async (scope) => {
      const w = await worker();
      const c = await seedCampaign(w, { contacts: 1 });
      clock.advance({ days: 3 });
      w.provider.answer = () => ({ kind: 'retry', reason: 'busy', detail: 'later', scope });
      await deliver(w, c);
      expect(await emails(w, c)).toEqual([expect.objectContaining({ status: 'queued', reason: 'busy' })]);
    },
  );

  it('tries again with growing distance, at most eight times, and then fails with the last reason', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 1 });
    w.provider.answer = () => ({ kind: 'retry', reason: 'busy', detail: '451 later', scope: 'message' });
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt++) {
      await deliver(w, c);
      const [email] = await emails(w, c);
      expect(email.attempts).toBe(attempt);
      if (attempt < 8) waits.push((email.due_at.getTime() - clock.now().getTime()) / 1000);
      clock.set(email.due_at > clock.now() ? email.due_at : clock.now());
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920]);
    expect(await emails(w, c)).toEqual([expect.objectContaining({ status: 'failed', reason: 'retries_exhausted' })]);
    expect((await enrollments(w, c))[0].status).toBe('failed');
    clock.advance({ days: 1 });
    await deliver(w, c);
    expect(w.provider.handedOver).toHaveLength(8);
  });

  it('leaves a throttling account alone without using up attempts', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 50 });
    w.provider.answer = () => ({ kind: 'retry', reason: 'rate_limited', detail: '429', retryAfterMs: 60_000, scope: 'account' });
    expect((await deliver(w, c)).more).toBe(false);
    const handedOver = w.provider.handedOver.length;
    expect(handedOver).toBeLessThan(50);
    expect(await deliver(w, c)).toEqual({ sent: 0, more: false });
    expect(w.provider.handedOver).toHaveLength(handedOver);
    for (const email of await emails(w, c)) expect(email).toMatchObject({ status: 'queued', attempts: 0 });
    // Another process has not been told to wait; by the rows' own due times it is its turn.
    clock.advance({ minutes: 1 });
    const other = await worker();
    expect((await deliver(other, c)).sent).toBe(50);
    expect((await emails(w, c)).every(({ status }) => status === 'sent')).toBe(true);
  });

  it('lets one bad message stop no other (I10): each outcome is its own', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 40 });
    const answers: Record<string, SendOutcome> = {
      1: { kind: 'failed', reason: 'no_such_user', detail: '550', suppress: true },
      2: { kind: 'failed', reason: 'content_refused', detail: `554 \0${'long'.repeat(5_000)}` },
      3: { kind: 'unknown', reason: 'timeout', detail: 'no answer' },
    };
    w.provider.answer = (m: OutgoingMessage) => answers[/^p(\d+)-/.exec(m.to.address)![1]] ?? { kind: 'accepted', providerMessageId: null };
    expect((await deliver(w, c)).sent).toBe(37);
    const counts = await w.db.inTenant(c.tenantId, (tx) => w.ledger.counts(tx, c.tenantId, c.campaignId));
    expect(counts).toMatchObject({ sent: 37, failed: 2, unknown: 1, queued: 0, total: 40 });
    const states = (await enrollments(w, c)).map(({ status, exit_reason }) => exit_reason ?? status);
    expect(states.filter((s) => s !== 'active').sort()).toEqual(['bounced', 'failed']);
    const suppressed = await w.db.inTenant(c.tenantId, (tx) =>
      rows(tx, `SELECT email_norm FROM suppressions WHERE tenant_id = $1`, [c.tenantId]),
    );
    expect(suppressed).toEqual([{ email_norm: `p1-${c.campaignId}@example.com` }]);
  });

  it('survives a provider that throws or forgets messages: those are in doubt, the rest is sent', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 30 });
    let calls = 0;
    w.provider.send = async (messages) => {
      if (++calls === 1) throw new Error('bug');
      return messages.slice(1).map(() => ({ kind: 'accepted', providerMessageId: null }));
    };
    await deliver(w, c);
    const counts = await w.db.inTenant(c.tenantId, (tx) => w.ledger.counts(tx, c.tenantId, c.campaignId));
    expect(counts.unknown + counts.sent).toBe(30);
    expect(counts.unknown).toBeGreaterThan(10);
  });

  it('lists campaigns with due mail, wakes workers for them, and closes the mail of a cancelled one', async () => {
    const w = await worker();
    const c = await seedCampaign(w, { contacts: 5 });
    const later = await seedCampaign(w, { contacts: 5, tenantId: c.tenantId });
    await sql(
      w,
      later,
      `UPDATE emails SET due_at = due_at + interval '1 hour' WHERE tenant_id = $1 AND campaign_id = $2`,
      later.campaignId,
    );
    const listed = await w.db.asSystem((tx) => w.delivery.listCampaignsWithMail(tx, clock.now(), 1000));
    expect(listed.filter((l) => l.tenantId === c.tenantId)).toEqual([
      { tenantId: c.tenantId, campaignId: c.campaignId, queued: 5, accountId: null, accountVersion: 0 },
    ]);
    await w.delivery.hintDue();
    expect(w.hints).toContain(`${c.campaignId}#0`);
    expect(w.hints).not.toContain(`${later.campaignId}#0`);
    expect(await w.db.inTenant(c.tenantId, (tx) => w.delivery.cancelQueued(tx, c.tenantId, c.campaignId, 'campaign_cancelled', 3))).toBe(3);
    expect(await w.db.inTenant(c.tenantId, (tx) => w.delivery.cancelQueued(tx, c.tenantId, c.campaignId, 'campaign_cancelled', 3))).toBe(2);
    expect((await deliver(w, c)).sent).toBe(0);
  });

  async function fireAndAbandon(w: Worker, c: SeededCampaign) {
    const claim = await w.claims.claim(c.tenantId, c.campaignId, 100, null);
    const { fired } = await w.gate.fire(await sendingCampaign(w, c), claim.token, claim.emails, w.outlet);
    expect(fired.size).toBe(claim.emails.length);
    return claim;
  }
  const expireLeases = (w: Worker, c: SeededCampaign) =>
    sql(w, c, `UPDATE emails SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE tenant_id = $1 AND status = 'sending'`);
  const sendingCampaign = async (w: Worker, c: SeededCampaign) => ({
    ...c,
    name: 'Spring',
    fromEmail: 'news@acme.example',
    fromName: 'Acme',
    replyToEmail: null,
    category: 'marketing' as const,
    unsubscribeEnabled: true,
    providerAccountId: null,
    tenantName: 'Acme',
    postalAddress: null,
    ...UNPACED,
  });
});
