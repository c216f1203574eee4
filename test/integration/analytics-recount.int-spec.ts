import fc from 'fast-check';
import { rows } from '../../src/database/index.js';
import { DailyCountsQueries } from '../../src/modules/analytics/daily-counts.queries.js';
import { COUNT_NAMES, NOTHING, type Counts } from '../../src/modules/analytics/domain/counts.js';
import { StepCountsQueries } from '../../src/modules/analytics/step-counts.queries.js';
import type { NewEmailEvent } from '../../src/modules/tracking/index.js';
import { deliveryWorker } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { Factory, type MadeEmail } from '../support/factories.js';
import { FakeClock } from '../support/fake-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const SENT = Date.parse('2030-01-10T12:00:00Z');
const HOUR = 3_600_000;
const MAILS = 4;

interface Told {
  mail: number;
  type: 'delivered' | 'opened' | 'clicked' | 'replied' | 'complained' | 'unsubscribed' | 'bounced';
  at: number;
  isMachine: boolean;
}

const told = fc.record({
  mail: fc.nat(MAILS - 1),
  type: fc.constantFrom('delivered', 'opened', 'opened', 'clicked', 'clicked', 'replied', 'complained', 'unsubscribed', 'bounced'),
  // From two seconds after sending (a click then is a machine's) to three days later.
  at: fc.oneof(
    fc.constant(SENT + 2_000),
    fc.integer({ min: 1, max: 72 }).map((hours) => SENT + hours * HOUR),
  ),
  isMachine: fc.boolean(),
}) as fc.Arbitrary<Told>;

/** The plain meaning of the counts, from the events alone. */
function recount(events: Told[]): Map<string, Counts> {
  const days = new Map<string, Counts>();
  const add = (name: keyof Counts, at: number) => {
    const date = new Date(at).toISOString().slice(0, 10);
    const day = days.get(date) ?? { ...NOTHING };
    days.set(date, { ...day, [name]: day[name] + 1 });
  };
  const distinct = [...new Map(events.map((event) => [`${event.mail} ${event.type} ${event.at}`, event])).values()];
  const isScan = ({ type, at, isMachine }: Told) => type === 'clicked' && (isMachine || at - SENT < 5_000);
  const isBesideScan = (open: Told) =>
    distinct.some((other) => other.mail === open.mail && isScan(other) && Math.abs(other.at - open.at) <= 2_000);
  const isHuman = (event: Told) => !event.isMachine && !isScan(event) && !(event.type === 'opened' && isBesideScan(event));
  for (let mail = 0; mail < MAILS; mail++) {
    const own = distinct.filter((event) => event.mail === mail);
    const first = (name: keyof Counts, wanted: (event: Told) => boolean) => {
      const times = own.filter(wanted).map(({ at }) => at);
      if (times.length > 0) add(name, Math.min(...times));
    };
    add('emailsSent', SENT);
    first('emailsDelivered', ({ type }) => type !== 'bounced');
    first('emailsBounced', ({ type }) => type === 'bounced');
    first('uniqueOpens', (event) => event.type === 'opened' && isHuman(event));
    first('uniqueClicks', (event) => event.type === 'clicked' && isHuman(event));
    first('replies', ({ type }) => type === 'replied');
    first('spamComplaints', ({ type }) => type === 'complained');
    first('unsubscribes', ({ type }) => type === 'unsubscribed');
    for (const event of own.filter(isHuman)) {
      if (event.type === 'opened') add('totalOpens', event.at);
      if (event.type === 'clicked') add('totalClicks', event.at);
    }
  }
  return days;
}

describe('the numbers', () => {
  let database: TestDatabase;
  let worker: Awaited<ReturnType<typeof deliveryWorker>>;
  let make: Factory;
  const clock = new FakeClock('2030-01-14T00:00:00Z');

  beforeAll(async () => {
    database = await createTestDatabase();
    worker = await deliveryWorker(database.url, enrollmentService, contactEffects, { clock });
    make = new Factory(worker.db);
  });
  afterAll(async () => {
    await worker.close();
    await database.drop();
  });

  const toEvent = (email: MadeEmail, { type, at, isMachine }: Told): NewEmailEvent => ({
    emailId: email.emailId,
    type,
    source: 'test',
    occurredAt: new Date(at),
    dedupeKey: `${type} ${email.emailId} ${at}`,
    isMachine,
    machineReason: isMachine ? 'user_agent' : null,
    bounceClass: type === 'bounced' ? 'soft' : null,
  });

  it('equal a recount of the events, whatever their order, however often and in whatever portions they come', async () => {
    const days = new DailyCountsQueries();
    const runs = fc.asyncProperty(fc.array(told, { maxLength: 25 }), fc.array(fc.nat(), { maxLength: 40 }), async (events, order) => {
      // One instant has one event of a type: its first telling decides whether it was a machine.
      const unique = [...new Map(events.map((event) => [`${event.mail} ${event.type} ${event.at}`, event])).values()];
      const tenantId = await make.tenant();
      const campaign = await make.campaign(tenantId, { launchedAt: new Date(SENT) });
      const mail: MadeEmail[] = [];
      for (let i = 0; i < MAILS; i++) mail.push(await make.sent(campaign, new Date(SENT)));
      const shuffled = [...unique, ...unique.slice(0, 5)]
        .map((event, index) => ({ event, key: order[index % (order.length || 1)] ?? 0 }))
        .sort((a, b) => a.key - b.key);
      for (let from = 0; from < shuffled.length; from += 7) {
        const portion = shuffled.slice(from, from + 7).map(({ event }) => toEvent(mail[event.mail], event));
        await worker.db.inTenant(tenantId, (tx) => worker.tracking.append(tx, tenantId, portion));
        while ((await worker.delivery.applyEvents(3)) > 0);
      }
      const { campaignId } = campaign;
      const expected = recount(unique);
      await worker.db.inTenant(tenantId, async (tx) => {
        await days.save(tx, tenantId, { campaignId, timezone: 'UTC' }, clock.now());
        const kept = await rows<Record<string, number> & { date: string }>(
          tx,
          `SELECT *, date::text FROM campaign_analytics WHERE tenant_id = $1`,
          [tenantId],
        );
        const stored = new Map(kept.map((day) => [day.date, countsOf((name) => day[snake(name)])]));
        expect(stored).toEqual(expected);
        const total = countsOf((name) => [...expected.values()].reduce((sum, day) => sum + day[name], 0));
        expect(await days.total(tx, tenantId, campaignId)).toEqual(total);
        const [step] = await new StepCountsQueries().tally(tx, tenantId, [campaignId]);
        expect([step.emailsSent, step.emailsDelivered, step.opens, step.clicks]).toEqual([
          MAILS,
          total.emailsDelivered,
          total.totalOpens,
          total.totalClicks,
        ]);
      });
    });
    const scanned: Told[] = [
      { mail: 0, type: 'clicked', at: SENT + 2_000, isMachine: false },
      { mail: 0, type: 'opened', at: SENT + 2_000, isMachine: false },
    ];
    await fc.assert(runs, { numRuns: 40, examples: [[scanned, []]] });
  });
});

const countsOf = (value: (name: keyof Counts) => number): Counts =>
  Object.fromEntries(COUNT_NAMES.map((name) => [name, value(name)])) as unknown as Counts;
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
