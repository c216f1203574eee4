import fc from 'fast-check';
import { rows } from '../../src/database/index.js';
import { BucketsQueries } from '../../src/modules/analytics/buckets.queries.js';
import { AnalyticsService } from '../../src/modules/analytics/analytics.service.js';
import { DaysQueries } from '../../src/modules/analytics/days.queries.js';
import {
  COUNT_NAMES,
  DETAILED_NAMES,
  NOTHING_AT_ALL,
  type Counts,
  type DetailedCounts,
} from '../../src/modules/analytics/domain/counts.js';
import { RollupQueries } from '../../src/modules/analytics/rollup.queries.js';
import { Rollup } from '../../src/modules/analytics/rollup.service.js';
import { StepCountersQueries } from '../../src/modules/steps/index.js';
import type { NewEmailEvent } from '../../src/modules/tracking/index.js';
import { deliveryWorker } from '../support/delivery-rig.js';
import { contactEffects, enrollmentService } from '../support/engine-parts.js';
import { Factory, type MadeEmail } from '../support/factories.js';
import { FakeClock } from '../support/fake-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MAILS = 4;
/** The last one is with the provider when the first event comes; nobody has said yet that it went out. */
const UNDER_WAY = MAILS - 1;
/** Campaigns that begin half a day before the clocks of their zone change: to the hour, to half past, and by half an hour. */
const ZONES = [
  { timezone: 'Europe/Berlin', launch: Date.parse('2030-03-30T12:00:00Z') },
  { timezone: 'America/St_Johns', launch: Date.parse('2030-03-09T17:00:00Z') },
  { timezone: 'Australia/Lord_Howe', launch: Date.parse('2030-04-06T03:00:00Z') },
];
const BOUNCES = ['soft', 'block', 'hard'] as const;
const CLASS_NAMES = { soft: 'bouncesSoft', block: 'bouncesBlocked', hard: 'bouncesHard' } as const;

interface Told {
  mail: number;
  type: 'delivered' | 'opened' | 'clicked' | 'replied' | 'complained' | 'unsubscribed' | 'bounced';
  /** Since its message was sent. */
  after: number;
  isMachine: boolean;
  bounceClass: (typeof BOUNCES)[number];
}

const told = fc.record({
  mail: fc.nat(MAILS - 1),
  type: fc.constantFrom('delivered', 'opened', 'opened', 'clicked', 'clicked', 'replied', 'complained', 'unsubscribed', 'bounced'),
  // From two seconds after sending (a click then is a machine's) to three days later.
  after: fc.oneof(
    fc.constant(2_000),
    fc.integer({ min: 1, max: 72 * 4 }).map((quarters) => quarters * 15 * MINUTE - 1),
    fc.integer({ min: 1, max: 72 }).map((hours) => hours * HOUR),
  ),
  isMachine: fc.boolean(),
  bounceClass: fc.constantFrom(...BOUNCES),
}) as fc.Arbitrary<Told>;

const sentAt = (launch: number, mail: number): number => launch + mail * 40 * MINUTE;
const dayIn = (timezone: string) => {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return (at: number): string => format.format(at);
};

/** The plain meaning of the counts, from the events alone: by the day of each thing, or of its message's sending. */
function recount(events: Told[], launch: number, dayOf: (at: number) => string, cohort: 'event' | 'send'): Map<string, DetailedCounts> {
  const days = new Map<string, DetailedCounts>();
  const isScan = ({ type, after, isMachine }: Told) => type === 'clicked' && (isMachine || after < 5_000);
  const isBesideScan = (open: Told) =>
    events.some((other) => other.mail === open.mail && isScan(other) && Math.abs(other.after - open.after) <= 2_000);
  const isHuman = (event: Told) => !event.isMachine && !isScan(event) && !(event.type === 'opened' && isBesideScan(event));
  for (let mail = 0; mail < MAILS; mail++) {
    const sent = sentAt(launch, mail);
    const add = (name: keyof DetailedCounts, after: number) => {
      const date = dayOf(cohort === 'event' ? sent + after : sent);
      const day = days.get(date) ?? { ...NOTHING_AT_ALL };
      days.set(date, { ...day, [name]: day[name] + 1 });
    };
    const own = events.filter((event) => event.mail === mail);
    const first = (name: keyof DetailedCounts, wanted: (event: Told) => boolean) => {
      const times = own.filter(wanted).map(({ after }) => after);
      if (times.length > 0) add(name, Math.min(...times));
    };
    if (mail !== UNDER_WAY || own.length > 0) add('emailsSent', 0);
    first('emailsDelivered', ({ type }) => type !== 'bounced');
    const isBounce = ({ type }: Told) => type === 'bounced';
    first('emailsBounced', isBounce);
    const worst = BOUNCES.findLast((name) => own.some((event) => isBounce(event) && event.bounceClass === name));
    if (worst) first(CLASS_NAMES[worst], isBounce);
    first('uniqueOpens', (event) => event.type === 'opened' && isHuman(event));
    first('uniqueClicks', (event) => event.type === 'clicked' && isHuman(event));
    first('anyOpens', ({ type }) => type === 'opened');
    first('anyClicks', ({ type }) => type === 'clicked');
    first('replies', ({ type }) => type === 'replied');
    first('spamComplaints', ({ type }) => type === 'complained');
    first('unsubscribes', ({ type }) => type === 'unsubscribed');
    for (const event of own) {
      if (event.type === 'opened') add(isHuman(event) ? 'totalOpens' : 'machineOpens', event.after);
      if (event.type === 'clicked') add(isHuman(event) ? 'totalClicks' : 'machineClicks', event.after);
    }
  }
  return days;
}

describe('the numbers', () => {
  let database: TestDatabase;
  let worker: Awaited<ReturnType<typeof deliveryWorker>>;
  let make: Factory;
  let rollup: Rollup;
  let analytics: AnalyticsService;
  const rollups = new RollupQueries();
  const buckets = new BucketsQueries();
  const clock = new FakeClock('2030-04-20T00:00:00Z');

  beforeAll(async () => {
    database = await createTestDatabase();
    worker = await deliveryWorker(database.url, enrollmentService, contactEffects, { clock });
    make = new Factory(worker.db);
    rollup = new Rollup(worker.db, rollups, new StepCountersQueries());
    analytics = new AnalyticsService(worker.db, clock, new DaysQueries(), rollups, rollup, {} as never);
  });
  afterAll(async () => {
    await worker.close();
    await database.drop();
  });

  const toEvent = (email: MadeEmail, launch: number, { mail, type, after, isMachine, bounceClass }: Told): NewEmailEvent => ({
    emailId: email.emailId,
    type,
    source: 'test',
    occurredAt: new Date(sentAt(launch, mail) + after),
    dedupeKey: `${type} ${email.emailId} ${after}`,
    isMachine,
    machineReason: isMachine ? 'user_agent' : null,
    bounceClass: type === 'bounced' ? bounceClass : null,
  });

  const storedDays = async (tenantId: string): Promise<Map<string, Counts>> => {
    const kept = await worker.db.inTenant(tenantId, (tx) =>
      rows<Record<string, number> & { date: string }>(tx, `SELECT *, date::text FROM campaign_analytics WHERE tenant_id = $1`, [tenantId]),
    );
    return new Map(kept.map((day) => [day.date, pick(COUNT_NAMES, (name) => day[snake(name)])]));
  };

  it('equal a recount of the events, whatever their order and portions and however often they come, over midnight and changes of the clock', async () => {
    const runs = fc.asyncProperty(
      fc.constantFrom(...ZONES),
      fc.array(told, { maxLength: 25 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      async ({ timezone, launch }, events, order) => {
        // One instant has one event of a type: its first telling decides whether it was a machine.
        const unique = [...new Map(events.map((event) => [`${event.mail} ${event.type} ${event.after}`, event])).values()];
        const tenantId = await make.tenant();
        const campaign = await make.campaign(tenantId, { launchedAt: new Date(launch), timezone });
        const { campaignId } = campaign;
        const mail: MadeEmail[] = [];
        for (let i = 0; i < UNDER_WAY; i++) mail.push(await make.sent(campaign, new Date(sentAt(launch, i))));
        const parked = await make.enroll(campaign, { at: new Date(launch), stepId: campaign.stepIds[0] });
        mail.push(await make.email(campaign, parked, { at: new Date(sentAt(launch, UNDER_WAY)), status: 'sending' }));
        const shuffled = [...unique, ...unique.slice(0, 5)]
          .map((event, index) => ({ event, key: order[index % (order.length || 1)] ?? 0 }))
          .sort((a, b) => a.key - b.key);
        for (let from = 0; from < shuffled.length; from += 7) {
          const portion = shuffled.slice(from, from + 7).map(({ event }) => toEvent(mail[event.mail], launch, event));
          await worker.db.inTenant(tenantId, (tx) => worker.tracking.append(tx, tenantId, portion));
          while ((await worker.delivery.applyEvents(3)) > 0);
          // What is folded when must not matter.
          if (from % 14 === 0) await rollup.run();
        }
        const dayOf = dayIn(timezone);
        const expected = recount(unique, launch, dayOf, 'event');
        const total = pick(DETAILED_NAMES, (name) => [...expected.values()].reduce((sum, day) => sum + day[name], 0));
        const range = { campaignId, timezone, from: new Date(launch - 24 * HOUR), to: new Date(launch + 120 * HOUR) };
        await worker.db.inTenant(tenantId, async (tx) => {
          expect(await rollups.differences(tx, tenantId, campaignId)).toEqual([]);
          for (const cohort of ['event', 'send'] as const) {
            const series = await buckets.series(tx, tenantId, { ...range, cohort, granularity: 'day' });
            // What was counted on a day and then moved to another leaves zeros behind.
            const counted = series.filter((row) => DETAILED_NAMES.some((name) => row[name] !== 0));
            expect(new Map(counted.map(({ key: _, date, ...counts }) => [date, counts]))).toEqual(recount(unique, launch, dayOf, cohort));
          }
          expect(await buckets.total(tx, tenantId, campaignId)).toEqual(total);
        });
        await analytics.refreshDays();
        const days = new Map([...expected].map(([date, counts]) => [date, pick(COUNT_NAMES, (name) => counts[name])]));
        // A day on which nothing but machines were seen has no row.
        const withRow = new Map([...days].filter(([, counts]) => COUNT_NAMES.some((name) => counts[name] > 0)));
        expect(await storedDays(tenantId)).toEqual(withRow);
        await analytics.rebuild(tenantId);
        expect(await storedDays(tenantId)).toEqual(withRow);
        await worker.db.inTenant(tenantId, async (tx) => {
          expect(await rollups.differences(tx, tenantId, campaignId)).toEqual([]);
          const [step] = await rows(tx, 'SELECT emails_sent, emails_delivered, opens, clicks FROM campaign_steps WHERE tenant_id = $1', [
            tenantId,
          ]);
          expect(step).toEqual({
            emails_sent: total.emailsSent,
            emails_delivered: total.emailsDelivered,
            opens: total.totalOpens,
            clicks: total.totalClicks,
          });
        });
      },
    );
    const seen = { mail: 0, after: 2_000, isMachine: false, bounceClass: 'soft' } as const;
    const scanned: Told[] = [
      { ...seen, type: 'clicked' },
      { ...seen, type: 'opened' },
      { ...seen, mail: UNDER_WAY, type: 'opened', isMachine: true, after: 36 * HOUR },
    ];
    await fc.assert(runs, { numRuns: 30, examples: [[ZONES[0], scanned, []]] });
  });
});

const pick = <Name extends string>(names: readonly Name[], value: (name: Name) => number): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, number>;
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
