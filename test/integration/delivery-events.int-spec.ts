import fc from 'fast-check';
import { affected, row, rows } from '../../src/database/index.js';
import type { SendOutcome } from '../../src/modules/mail/index.js';
import type { EmailEventType, NewEmailEvent } from '../../src/modules/tracking/index.js';
import { deliveryWorker, seedCampaign, type SeededCampaign, UNPACED } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { FakeClock } from '../support/fake-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

type Worker = Awaited<ReturnType<typeof deliveryWorker>>;

describe('what comes back about messages', () => {
  let database: TestDatabase;
  let clock: FakeClock;
  let w: Worker;

  beforeAll(async () => {
    database = await createTestDatabase();
    clock = new FakeClock('2030-01-07T08:00:00Z');
    w = await deliveryWorker(database.url, enrollmentService, contactEffects, { clock });
  });
  afterAll(async () => {
    await w.close();
    await database.drop();
  });

  const after = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000);
  const event = (emailId: string, type: EmailEventType, seconds: number, more: Partial<NewEmailEvent> = {}): NewEmailEvent => ({
    emailId,
    type,
    source: 'sendgrid',
    occurredAt: after(seconds),
    dedupeKey: `${type}:${emailId}:${seconds}`,
    ...more,
  });
  const append = (c: SeededCampaign, ...events: NewEmailEvent[]) =>
    w.db.inTenant(c.tenantId, (tx) => w.tracking.append(tx, c.tenantId, events));
  const emails = (c: SeededCampaign) =>
    w.db.inTenant(c.tenantId, (tx) =>
      rows<Record<string, unknown> & { id: string; contact_id: string }>(
        tx,
        `SELECT * FROM emails WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY id`,
        [c.tenantId, c.campaignId],
      ),
    );
  const enrollments = (c: SeededCampaign) =>
    w.db.inTenant(c.tenantId, (tx) =>
      rows<{ contact_id: string; status: string; exit_reason: string | null; current_step_id: string }>(
        tx,
        `SELECT * FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY id`,
        [c.tenantId, c.campaignId],
      ),
    );
  const applyAll = async (limit = 1_000) => {
    let applied = 0;
    for (let n = -1; n !== 0; applied += n) n = await w.delivery.applyEvents(limit);
    return applied;
  };
  async function sentCampaign(contacts: number, tenantId?: string): Promise<SeededCampaign> {
    const c = await seedCampaign(w, { contacts, tenantId });
    await w.delivery.deliverCampaign(c.tenantId, c.campaignId, { maxMs: 10_000 });
    return c;
  }

  it('moves a message forward, and knows people from machines', async () => {
    const c = await sentCampaign(1);
    const [{ id }] = await emails(c);
    await append(
      c,
      event(id, 'opened', 9, { isMachine: true, machineReason: 'privacy_proxy' }),
      event(id, 'clicked', 2, { url: 'https://example.com/' }),
      event(id, 'clicked', 60, { url: 'https://example.com/' }),
      event(id, 'delivered', 1),
    );
    expect(await applyAll()).toBe(4);
    expect(await emails(c)).toEqual([
      expect.objectContaining({
        status: 'delivered',
        delivered_at: after(1),
        first_opened_at: after(9),
        first_human_opened_at: null,
        first_clicked_at: after(2),
        first_human_clicked_at: after(60),
      }),
    ]);
    const stored = await w.db.inTenant(c.tenantId, (tx) =>
      rows(
        tx,
        `SELECT type, is_machine, machine_reason, campaign_id FROM email_events WHERE tenant_id = $1 AND email_id = $2 ORDER BY occurred_at`,
        [c.tenantId, id],
      ),
    );
    expect(stored).toEqual([
      { type: 'delivered', is_machine: false, machine_reason: null, campaign_id: c.campaignId },
      { type: 'clicked', is_machine: true, machine_reason: 'too_fast', campaign_id: c.campaignId },
      { type: 'opened', is_machine: true, machine_reason: 'privacy_proxy', campaign_id: c.campaignId },
      { type: 'clicked', is_machine: false, machine_reason: null, campaign_id: c.campaignId },
    ]);
  });

  it('counts for the operators what was committed: how messages ended and what came back, each once', async () => {
    const series = async () =>
      new Map(
        [...(await w.metrics.render()).matchAll(/^(campaign_\w+_total\{.*\}) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]),
      );
    const before = await series();
    const outcomes: SendOutcome[] = [
      { kind: 'accepted', providerMessageId: null },
      { kind: 'failed', reason: 'recipient_refused', detail: 'gone', suppress: true },
      { kind: 'retry', reason: 'deferred', detail: 'later', scope: 'message' },
      { kind: 'unknown', reason: 'server_error', detail: '500' },
    ];
    w.provider.answer = () => outcomes.pop() ?? { kind: 'accepted', providerMessageId: null };
    const c = await sentCampaign(5);
    const sent = (await emails(c)).filter(({ status }) => status === 'sent');
    const bounces = [event(sent[0].id, 'bounced', 1, { bounceClass: 'hard' }), event(sent[1].id, 'complained', 1)];
    for (let twice = 0; twice < 2; twice++) {
      await append(c, ...bounces);
      await applyAll();
    }
    const changed = [...(await series())].filter(([name, value]) => value !== before.get(name));
    expect(Object.fromEntries(changed.map(([name, value]) => [name, value - before.get(name)!]))).toEqual({
      'campaign_messages_total{outcome="sent"}': 2,
      'campaign_messages_total{outcome="failed"}': 1,
      'campaign_messages_total{outcome="retry"}': 1,
      'campaign_messages_total{outcome="unknown"}': 1,
      'campaign_message_failures_total{class="hard_bounce",reason="recipient_refused"}': 1,
      'campaign_message_failures_total{class="transient",reason="deferred"}': 1,
      'campaign_message_failures_total{class="unknown",reason="server_error"}': 1,
      'campaign_feedback_total{kind="bounce_hard"}': 1,
      'campaign_feedback_total{kind="complaint"}': 1,
    });
  });

  it('stores the same event once: a webhook that is repeated counts once', async () => {
    const c = await sentCampaign(1);
    const [{ id }] = await emails(c);
    expect(await append(c, event(id, 'delivered', 3))).toBe(1);
    expect(await append(c, event(id, 'delivered', 3), event(id, 'delivered', 3))).toBe(0);
    await applyAll();
    expect(await append(c, event(id, 'delivered', 3))).toBe(0);
    expect(await applyAll()).toBe(0);
  });

  it('does not lose an event because another carries text that no column takes', async () => {
    const c = await sentCampaign(1);
    const [{ id }] = await emails(c);
    expect(await append(c, event(id, 'delivered', 3), event(id, 'opened', 4, { detail: 'a\0b', userAgent: 'x'.repeat(9_000) }))).toBe(2);
    expect(await applyAll()).toBe(2);
  });

  it('ends in the same state in whatever order and pieces the events come (I7)', async () => {
    const types: EmailEventType[] = ['processed', 'delivered', 'opened', 'clicked', 'bounced', 'dropped', 'replied'];
    const story = fc.array(
      fc.record({
        type: fc.constantFrom(...types),
        seconds: fc.integer({ min: 1, max: 30 }),
        isMachine: fc.boolean(),
        bounceClass: fc.constantFrom('soft' as const, 'block' as const),
      }),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(story, fc.func(fc.nat()), fc.integer({ min: 1, max: 3 }), async (events, order, piece) => {
        const c = await sentCampaign(2);
        const [one, other] = await emails(c);
        const of = (id: string) =>
          events.map(({ type, seconds, ...more }, i) => event(id, type, seconds, { ...more, dedupeKey: `${id}:${i}` }));
        await append(c, ...of(one.id));
        await applyAll();
        const shuffled = of(other.id)
          .map((e, i) => ({ e, key: order(i) }))
          .sort((a, b) => a.key - b.key)
          .map(({ e }) => e);
        for (let at = 0; at < shuffled.length; at += piece) {
          await append(c, ...shuffled.slice(at, at + piece));
          await append(c, ...shuffled.slice(0, at));
          await applyAll(piece);
        }
        const [a, b] = (await emails(c)).map((email) => ({
          ...email,
          id: '',
          contact_id: '',
          enrollment_id: '',
          to_email: '',
          lease_token: '',
        }));
        expect(b).toEqual(a);
      }),
      { numRuns: 25 },
    );
  });

  it('settles a message in doubt: an event proves that it was handed over, and the contact goes on', async () => {
    const c = await seedCampaign(w, { contacts: 2 });
    const claim = await w.claims.claim(c.tenantId, c.campaignId, 10, null);
    const campaign = { ...c, name: '', fromEmail: 'a@b.example', fromName: null, replyToEmail: null, category: 'marketing' as const };
    await w.gate.fire(
      { ...campaign, unsubscribeEnabled: true, providerAccountId: null, tenantName: '', postalAddress: null, ...UNPACED },
      claim.token,
      claim.emails,
      w.outlet,
    );
    await w.db.inTenant(c.tenantId, (tx) =>
      affected(tx, `UPDATE emails SET lease_expires_at = '2000-01-01' WHERE tenant_id = $1 AND id = $2`, [c.tenantId, claim.emails[0].id]),
    );
    await w.delivery.recoverExpired();
    await append(c, event(claim.emails[0].id, 'processed', 1), event(claim.emails[1].id, 'opened', 20));
    await applyAll();
    expect((await emails(c)).map(({ status }) => status).sort()).toEqual(['delivered', 'sent']);
    for (const enrollment of await enrollments(c)) expect(enrollment.current_step_id).toBe(c.nextStepId);
    // The worker's own result, coming later, changes nothing any more.
    const late = { ...claim.emails[1], status: 'failed' as const, reason: 'x', detail: null, at: clock.now() };
    expect(await w.settlements.settle(c.tenantId, [late])).toBe(0);
  });

  it('sends nobody anything more who bounced, complained or unsubscribed', async () => {
    const c = await sentCampaign(4);
    const other = await seedCampaign(w, { contacts: 1, tenantId: c.tenantId });
    const [bounced, complained, left, stays] = await emails(c);
    // The person who left waits in another campaign too.
    await w.db.inTenant(c.tenantId, (tx) =>
      affected(tx, `UPDATE campaign_contacts SET contact_id = $3 WHERE tenant_id = $1 AND campaign_id = $2`, [
        c.tenantId,
        other.campaignId,
        left.contact_id,
      ]),
    );
    await append(
      c,
      event(bounced.id, 'bounced', 1, { bounceClass: 'hard', detail: '550 no such user' }),
      event(complained.id, 'complained', 2),
      event(left.id, 'unsubscribed', 3),
      event(stays.id, 'bounced', 4, { bounceClass: 'soft' }),
    );
    await applyAll();
    const reasons = new Map((await enrollments(c)).map((e) => [e.contact_id, e.exit_reason]));
    expect([bounced, complained, left, stays].map((e) => reasons.get(e.contact_id))).toEqual([
      'bounced',
      'complained',
      'unsubscribed',
      null,
    ]);
    expect((await enrollments(other))[0]).toMatchObject({ status: 'exited', exit_reason: 'unsubscribed' });
    const suppressed = await w.db.inTenant(c.tenantId, (tx) =>
      rows<{ reason: string }>(tx, `SELECT reason FROM suppressions WHERE tenant_id = $1 ORDER BY reason`, [c.tenantId]),
    );
    expect(suppressed.map(({ reason }) => reason)).toEqual(['complaint', 'hard_bounce', 'unsubscribed']);
    const contact = await w.db.inTenant(c.tenantId, (tx) =>
      row(tx, `SELECT subscribed FROM contacts WHERE tenant_id = $1 AND id = $2`, [c.tenantId, left.contact_id]),
    );
    expect(contact).toEqual({ subscribed: false });
  });

  it('applies an event once whose instant has microseconds, and can take it back', async () => {
    const c = await sentCampaign(1);
    const [{ id }] = await emails(c);
    await append(c, event(id, 'opened', 600), event(id, 'clicked', 600, { url: 'https://example.com/a' }));
    await w.db.asSystem((tx) =>
      affected(tx, `UPDATE email_events SET occurred_at = occurred_at + interval '456 microseconds' WHERE email_id = $1`, [id]),
    );
    expect(await w.delivery.applyEvents(1_000)).toBe(2);
    expect(await w.delivery.applyEvents(1_000)).toBe(0);
    const hits = await w.db.asSystem((tx) =>
      rows<{ tenantId: string; id: string; occurredAt: Date }>(
        tx,
        `SELECT tenant_id AS "tenantId", id, occurred_at AS "occurredAt" FROM email_events WHERE email_id = $1`,
        [id],
      ),
    );
    const machines = hits.map((hit) => ({ ...hit, machineReason: 'all_links' }));
    expect(await w.db.asSystem((tx) => w.tracking.markMachine(tx, machines))).toBe(2);
  });

  it('keeps events of unknown messages aside without holding up the others, and closes them after two days', async () => {
    const c = await sentCampaign(1);
    const foreign = await sentCampaign(1);
    const [{ id }] = await emails(c);
    const [{ id: foreignId }] = await emails(foreign);
    // Another tenant's message is an unknown one.
    await append(c, event('0195ffff-0000-7000-8000-00000000ffff', 'delivered', 1), event(foreignId, 'bounced', 1, { bounceClass: 'hard' }));
    await append(c, event(id, 'delivered', 2));
    expect(await applyAll(1)).toBe(1);
    expect((await emails(foreign))[0].status).toBe('sent');
    const parked = () =>
      w.db.asSystem((tx) => rows(tx, `SELECT FROM email_events WHERE tenant_id = $1 AND applied_at IS NULL`, [c.tenantId]));
    expect(await parked()).toHaveLength(2);
    await w.db.asSystem((tx) =>
      affected(tx, `UPDATE email_events SET received_at = $2 WHERE tenant_id = $1 AND applied_at IS NULL`, [c.tenantId, after(-49 * 3600)]),
    );
    expect(await w.tracking.closeParked()).toBe(2);
    expect(await parked()).toHaveLength(0);
  });

  it('makes the partitions of the coming months once', async () => {
    expect(await w.tracking.ensurePartitions(new Date('2031-05-20T00:00:00Z'))).toBe(3);
    expect(await w.tracking.ensurePartitions(new Date('2031-05-21T00:00:00Z'))).toBe(0);
  });

  it('gives a link one id per tenant and address, and refuses what is not a web address', async () => {
    const c = await seedCampaign(w, { contacts: 0 });
    const register = (...urls: string[]) => w.db.inTenant(c.tenantId, (tx) => w.tracking.registerLinks(tx, c.tenantId, urls));
    const ids = await register('https://a.example/', 'https://b.example/', 'https://a.example/');
    expect(ids[0]).toBe(ids[2]);
    expect(ids[0]).toMatch(/^[\w-]{11}$/);
    expect(await register('https://b.example/')).toEqual([ids[1]]);
    await expect(register('javascript:alert(1)')).rejects.toMatchObject({ code: 'link_not_allowed' });
  });
});
