import { readSendGridEvents } from './sendgrid-events.js';

const NOW = new Date('2030-01-07T08:00:00Z');
const TENANT = '0195aaaa-0000-7000-8000-000000000001';
const EMAIL = '0195bbbb-0000-7000-8000-000000000001';
const SECONDS = NOW.getTime() / 1000 - 60;
const raw = (more: Record<string, unknown> = {}) => ({
  email: 'ada@example.com',
  timestamp: SECONDS,
  event: 'delivered',
  sg_event_id: 'id-1',
  tenant_id: TENANT,
  email_id: EMAIL,
  ...more,
});
const read = (...batch: unknown[]) => readSendGridEvents(batch, null, NOW);

describe('the events of SendGrid', () => {
  it.each([
    ['the address does not exist', { type: 'bounce', status: '5.1.1', bounce_classification: 'Invalid Address' }, 'hard'],
    ['it bounced, and nothing says why', { type: 'bounce' }, 'hard'],
    ['an old account without classification', { type: 'bounce', status: '5.0.0' }, 'hard'],
    ['the mailbox is full', { type: 'bounce', status: '5.2.2', bounce_classification: 'Unclassified' }, 'soft'],
    ['the mailbox is out of order', { type: 'bounce', status: '5.0.0', bounce_classification: 'Mailbox Unavailable' }, 'soft'],
    ['DNS is out of order', { type: 'blocked', status: '4.4.4', bounce_classification: 'Technical' }, 'soft'],
    ['try again later', { type: 'bounce', status: '4.2.0' }, 'soft'],
    ['the receiver does not want us', { type: 'blocked', status: '5.7.1', bounce_classification: 'Reputation' }, 'block'],
    ['the receiver does not want this text', { type: 'bounce', status: '5.1.1', bounce_classification: 'Content' }, 'block'],
    ['a policy, without classification', { type: 'bounce', status: '5.7.1' }, 'block'],
    ['blocked, and nothing says why', { type: 'blocked' }, 'block'],
  ])('tell apart what a bounce means for the address: %s', (_what, fields, bounceClass) => {
    expect(read(raw({ event: 'bounce', ...fields })).events).toEqual([expect.objectContaining({ type: 'bounced', bounceClass })]);
  });

  it('are the same by the provider’s id or by what happened, and different where either the second or the link differs', () => {
    const click = { event: 'click', url: 'https://a.example/' };
    const { events } = read(
      raw(click),
      raw({ ...click, sg_event_id: 'id-2' }),
      raw({ ...click, timestamp: SECONDS + 1 }),
      raw({ ...click, timestamp: SECONDS + 1, sg_event_id: 'id-3' }),
      raw({ ...click, url: 'https://b.example/', sg_event_id: 'id-4' }),
    );
    expect(events.map(({ providerEventId }) => providerEventId).sort()).toEqual(['id-1', 'id-3', 'id-4']);
  });

  it('are kept or not whatever order they come in, also where two are the same as a third: totals must not depend on it', () => {
    const one = raw();
    const both = raw({ sg_event_id: 'id-2' });
    const other = raw({ timestamp: SECONDS + 1, sg_event_id: 'id-2' });
    const orders = [
      [one, both, other],
      [one, other, both],
      [both, one, other],
      [both, other, one],
      [other, one, both],
      [other, both, one],
    ];
    expect(orders.map((order) => read(...order).events.map(({ providerEventId }) => providerEventId))).toEqual(
      orders.map(() => ['id-1', 'id-2']),
    );
  });

  it('carry texts that people and the database can bear, whatever the provider sends', () => {
    const { events } = read(
      raw({ event: 'dropped', reason: `a\u0000\r\nb${'x'.repeat(9_000)}`, useragent: { odd: true }, sg_event_id: 7 }),
    );
    expect(events[0]).toMatchObject({ userAgent: null, providerEventId: null });
    expect(events[0].detail).toMatch(/^a bx+$/);
    expect(events[0].detail).toHaveLength(500);
  });

  it('name every entry once: read, ignored, foreign or at fault', () => {
    const other = '0195aaaa-0000-7000-8000-000000000002';
    const batch = [
      raw(),
      raw({ tenant_id: other, sg_event_id: 'x' }),
      raw({ event: 'constructor' }),
      raw({ timestamp: NaN }),
      7,
      { event: 'open' },
    ];
    const result = readSendGridEvents(batch, TENANT, NOW);
    expect([result.events.length, result.foreign, result.ignored, result.errors.map(({ index }) => index)]).toEqual([1, 1, 2, [3, 4]]);
  });

  it('know machines by SendGrid’s mark and by the program, not by its absence', () => {
    const reasons = (more: object) => read(raw({ event: 'open', ...more })).events.map(({ machineReason }) => machineReason)[0];
    expect(reasons({ sg_machine_open: true, useragent: 'Mozilla/5.0' })).toBe('sg_machine_open');
    expect(reasons({ useragent: 'Barracuda Sentinel (EE)' })).toBe('user_agent');
    expect(reasons({})).toBeNull();
  });
});
