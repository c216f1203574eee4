import { simpleParser } from 'mailparser';
import { SmtpSink } from '../support/smtp-sink.js';
import { emailStep, linkIn, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

/** Security gateways follow every link before anybody reads: they must not unsubscribe people, steer campaigns or look like an audience. */
describe('scanners of mail', () => {
  let app: TestApp;
  let sink: SmtpSink;
  let story: Story;

  beforeAll(async () => {
    sink = await SmtpSink.start();
    app = await startTestApp({ env: { MAIL_PROVIDER: 'smtp', SMTP_URL: sink.url() } });
  });
  beforeEach(async () => {
    story = new Story(app, (await app.tenant()).api);
  });
  afterAll(async () => {
    await app?.close();
    await sink?.stop();
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const get = async (url: string, method = 'GET') => {
    const answer = await fetch(url, { method, redirect: 'manual', headers: { 'user-agent': CHROME } });
    expect([200, 302]).toContain(answer.status);
    await answer.arrayBuffer();
  };
  /** Every address in a message: pixel, links, and the one for unsubscribing, in the text and in the header. */
  async function urlsOf(raw: Buffer | string): Promise<{ all: string[]; html: string }> {
    const mail = await simpleParser(raw);
    const html = mail.html as string;
    const inHtml = [...html.matchAll(/(?:href|src)="(http[^"]+)"/g)].map(([, url]) => url.replaceAll('&amp;', '&'));
    const header = /<([^>]+)>/.exec(String(mail.headerLines.find(({ key }) => key === 'list-unsubscribe')?.line))![1];
    return { all: [...new Set([...inHtml, header])], html };
  }
  const flow = (links: string) => [
    emailStep({ ref: 'first', emailContent: `<html><body><p>Hi {{ contact.first_name }}</p>${links}</body></html>` }),
    waitStep(1, 'days'),
    {
      ref: 'interested',
      stepType: 'condition',
      conditionRules: { any: [{ type: 'email_opened' }, { type: 'email_clicked' }] },
      trueNextRef: 'yes',
      falseNextRef: 'no',
    },
    emailStep({ ref: 'yes', subjectLine: 'You looked', nextRef: null }),
    emailStep({ ref: 'no', subjectLine: 'You did not look', nextRef: null }),
  ];
  async function sent(people: number, links: string): Promise<{ id: string; raw: (person: number) => Buffer | string }> {
    const before = sink.messages.length;
    await story.importContacts(people);
    const id = await story.campaign({ campaignType: 'drip' }, flow(links));
    await story.launch(id);
    await sink.waitForCount(before + people);
    await story.settles(id);
    const mine = sink.messages.slice(before);
    return { id, raw: (person) => mine.find(({ to }) => to.includes(`person${person}@example.com`))!.raw };
  }
  async function subjectsAfterADay(id: string): Promise<Map<string, string[]>> {
    const before = sink.messages.length;
    app.clock.advance({ days: 1, minutes: 5 });
    await story.reaches(id, 'completed', 30_000);
    const subjects = new Map<string, string[]>();
    for (const { raw, to } of sink.messages.slice(before)) {
      const { subject } = await simpleParser(raw);
      subjects.set(subject!, [...(subjects.get(subject!) ?? []), to[0]]);
    }
    return subjects;
  }

  it.each([
    ['ten minutes later', 10, 100, '<a href="https://acme.example/a">A</a> <a href="https://acme.example/b">B</a>'],
    ['ten minutes later, of messages with one link', 10, 10, '<a href="https://acme.example/a">A</a>'],
    ['at once', 0, 10, '<a href="https://acme.example/a">A</a> <a href="https://acme.example/b">B</a>'],
  ])('that follow every link of every message %s unsubscribe nobody and open no branch', async (_when, minutes, people, links) => {
    const { id, raw } = await sent(people, links);
    app.clock.advance({ minutes });
    for (let person = 1; person <= people; person++) {
      const { all } = await urlsOf(raw(person));
      await Promise.all(all.flatMap((url) => [get(url), get(url, 'HEAD')]));
    }
    await story.settles(id);
    // One of them is read by a person too, later.
    app.clock.advance({ minutes: 30 });
    await get(linkIn((await urlsOf(raw(7))).html, '/t/o/'));
    await story.settles(id);

    const { data } = await story.api.must(200, story.api.get('/api/contacts?limit=200'));
    expect(data.filter(({ subscribed }: { subscribed: boolean }) => subscribed)).toHaveLength(people);
    const { totals } = await story.api.must(200, story.api.get(`/api/campaigns/${id}/analytics?startDate=2030-01-01&endDate=2030-12-31`));
    expect(totals).toMatchObject({ uniqueOpens: 1, totalOpens: 1, uniqueClicks: 0, totalClicks: 0, unsubscribes: 0 });
    // Nothing is dropped: every hit is there, with the reason. HEAD is no hit.
    const kept = await sql<{ type: string; n: number; machines: number }>(
      `SELECT type, count(*)::int AS n, count(machine_reason)::int AS machines FROM email_events WHERE campaign_id = $1 GROUP BY type ORDER BY type`,
      [id],
    );
    const clicks = people * links.split('href').length - people;
    expect(kept).toEqual([
      { type: 'clicked', n: clicks, machines: clicks },
      { type: 'opened', n: people + 1, machines: people },
      { type: 'unsubscribe_viewed', n: people, machines: people },
    ]);
    const subjects = await subjectsAfterADay(id);
    expect(subjects.get('You looked')).toEqual(['person7@example.com']);
    expect(subjects.get('You did not look')).toHaveLength(people - 1);
  });

  it('open no branch that is asked for between their first hit and the next', async () => {
    const { id, raw } = await sent(1, '<a href="https://acme.example/a">A</a> <a href="https://acme.example/b">B</a>');
    const { html } = await urlsOf(raw(1));
    const links = [...html.matchAll(/href="([^"]*\/t\/c\/[^"]+)"/g)].map(([, url]) => url.replaceAll('&amp;', '&'));
    app.clock.advance({ days: 1, seconds: -1 });
    await get(links[0]);
    await story.settles(id);
    const before = sink.messages.length;
    app.clock.advance({ seconds: 1 });
    await sink.waitForCount(before + 1);
    await get(links[1]);
    await story.reaches(id, 'completed', 30_000);
    expect((await simpleParser(sink.messages[before].raw)).subject).toBe('You did not look');
  });

  it('are found out also when their first hits had been taken for a person’s', async () => {
    const { id, raw } = await sent(2, '<a href="https://acme.example/a">A</a> <a href="https://acme.example/b">B</a>');
    app.clock.advance({ minutes: 10 });
    const firstHuman = async () =>
      sql<{ opened: boolean; clicked: boolean }>(
        `SELECT first_human_opened_at IS NOT NULL AS opened, first_human_clicked_at IS NOT NULL AS clicked FROM emails WHERE campaign_id = $1 ORDER BY to_email`,
        [id],
      );
    for (const person of [1, 2]) {
      const { html } = await urlsOf(raw(person));
      await get(linkIn(html, '/t/o/'));
      const first = [...html.matchAll(/href="([^"]*\/t\/c\/[^"]+)"/g)].map(([, url]) => url.replaceAll('&amp;', '&'));
      await get(first[0]);
      await story.settles(id);
      // The scanner comes back for the rest within two seconds; the person takes a minute.
      app.clock.advance(person === 1 ? { seconds: 1 } : { minutes: 1 });
      await get(first[1]);
      await story.settles(id);
    }
    expect(await firstHuman()).toEqual([
      { opened: false, clicked: false },
      { opened: true, clicked: true },
    ]);
    const subjects = await subjectsAfterADay(id);
    expect([subjects.get('You looked'), subjects.get('You did not look')]).toEqual([['person2@example.com'], ['person1@example.com']]);
  });
});
