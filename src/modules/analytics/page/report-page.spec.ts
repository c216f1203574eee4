import { NOTHING_AT_ALL, ratesOf, type DetailedCounts } from '../domain/counts.js';
import { wholeWeek } from '../domain/heat-map.js';
import { reportPage, type ReportPage } from './report-page.js';

const counted = (counts: Partial<DetailedCounts>) => {
  const all = { ...NOTHING_AT_ALL, ...counts };
  return { ...all, ...ratesOf(all) };
};
const link = (url: string | null) => ({
  url,
  stepId: 'a',
  stepOrder: 1,
  stepName: 'Hello',
  humanClicks: 1,
  machineClicks: 0,
  uniqueClicks: 1,
  people: 1,
  share: 100,
});
const page = (o: Partial<ReportPage> = {}): string =>
  reportPage({
    name: 'Spring',
    status: 'draft',
    campaignType: 'broadcast',
    launchedAt: null,
    asOf: new Date('2030-01-02T08:00:00Z'),
    timezone: 'UTC',
    granularity: 'day',
    totals: counted({}),
    periods: [{ date: '2030-01-02', startsAt: new Date('2030-01-02T00:00:00Z'), ...counted({}) }],
    enrolled: 0,
    completed: 0,
    firstStepId: null,
    steps: [],
    formerSteps: [],
    links: [],
    hasMoreLinks: false,
    tests: [],
    sentHours: wholeWeek([]),
    eventHours: wholeWeek([]),
    ...o,
  });

describe('the report page', () => {
  it('is whole for a draft that has neither steps nor mail: it says that there is nothing yet, and divides nothing by zero', () => {
    const text = page();
    for (const said of ['not launched yet', 'Nobody has followed a link yet.', 'Nothing yet.', '2 Jan 2030 to 2 Jan 2030']) {
      expect(text).toContain(said);
    }
    expect(text).not.toMatch(/NaN|undefined|Infinity|delivery was reported/);
  });

  it('warns where nobody reports deliveries, lest 100 % opened be believed; not where a few are missing', () => {
    expect(page({ totals: counted({ emailsSent: 2_000, emailsDelivered: 334, emailsBounced: 6, uniqueOpens: 334 }) })).toMatch(
      /Of 1,660 sent messages no\s+delivery was reported/,
    );
    expect(page({ totals: counted({ emailsSent: 2_000, emailsDelivered: 1_890, emailsBounced: 100 }) })).not.toContain(
      'delivery was reported',
    );
  });

  it('shows the two ends of an address that is longer than a screen', () => {
    const long = `https://acme.example/${'x'.repeat(1_900)}?id=the-end`;
    const text = page({ links: [link(long), link(null)] });
    expect(text).not.toContain('x'.repeat(140));
    expect(text).toMatch(/https:\/\/acme\.example\/x+ … x+\?id=the-end/);
    expect(text).toContain('An address that was erased');
    const short = `https://acme.example/${'x'.repeat(119)}`;
    expect(page({ links: [link(short)] })).toContain(short);
  });

  it('keeps a name that turns the direction of writing from turning what stands beside it', () => {
    expect(page({ name: '\u202Egnirps' })).toContain('<h1 dir="auto">\u202Egnirps</h1>');
  });

  it('lets a table that is too wide be scrolled without a mouse', () => {
    const regions = page({ links: [link('https://acme.example/')] }).match(/<div class="scroll"[^>]*>/g);
    expect(regions).toHaveLength(2);
    for (const region of regions!) expect(region).toMatch(/tabindex="0" role="region" aria-label="[^"]+"/);
  });
});
