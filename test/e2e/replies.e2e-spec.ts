import { simpleParser } from 'mailparser';
import { rows } from '../../src/database/index.js';
import { SmtpSink } from '../support/smtp-sink.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const SECRET = 'inbound-secret-of-tests';

interface Answer {
  to: string;
  headers?: Record<string, string>;
  from?: string;
  envelopeFrom?: string;
}

/** People and machines answer; the campaign knows which is which. */
describe('answers to messages', () => {
  let app: TestApp;
  let sink: SmtpSink;
  let story: Story;
  let answered = 0;

  beforeAll(async () => {
    sink = await SmtpSink.start();
    app = await startTestApp({
      env: { MAIL_PROVIDER: 'smtp', SMTP_URL: sink.url(), REPLY_DOMAIN: 'Reply.Acme.example', REPLY_WEBHOOK_SECRET: SECRET },
    });
  });
  beforeEach(async () => {
    story = new Story(app, (await app.tenant()).api);
  });
  afterAll(async () => {
    await app?.close();
    await sink?.stop();
  });

  const url = () => `${app.baseUrl}/webhooks/sendgrid/inbound`;
  const messagesTo = (address: string) => sink.messages.filter(({ to }) => to.includes(address));
  const lastTo = async (address: string) => simpleParser(messagesTo(address).at(-1)!.raw);
  const replyAddressOf = async (address: string) => (await lastTo(address)).replyTo!.value[0].address!;

  /** As Inbound Parse posts it: headers as one text, the envelope as JSON, the text of the mail beside them. */
  function form({ to, headers = {}, from = 'Ada <ada@example.com>', envelopeFrom = 'ada@example.com' }: Answer): FormData {
    const all: Record<string, string> = {
      Received: 'by mx0047p1mdw1.sendgrid.net with SMTP id 6WCVv7KAWn Wed, 27 Jul 2016 20:53:06 +0000 (UTC)',
      From: from,
      To: to,
      Subject: 'Re: Hello',
      'Message-ID': `<answer-${++answered}@example.com>`,
      'Content-Type': 'text/plain; charset="UTF-8"',
      ...headers,
    };
    const fields = new FormData();
    fields.set(
      'headers',
      Object.entries(all)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join(''),
    );
    fields.set('envelope', JSON.stringify({ to: [to], from: envelopeFrom }));
    fields.set('to', to);
    fields.set('from', from);
    fields.set('subject', all.Subject);
    fields.set('text', 'Thank you, a secret answer.');
    fields.set('attachment1', new Blob(['a secret picture']), 'picture.png');
    return fields;
  }
  const post = (body: RequestInit['body'], headers: Record<string, string> = {}) =>
    fetch(url(), { method: 'POST', body, headers: { authorization: `Basic ${btoa(`sendgrid:${SECRET}`)}`, ...headers } });
  async function answer(mail: Answer): Promise<string> {
    const response = await post(form(mail));
    expect(response.status).toBe(200);
    return ((await response.json()) as { result: string }).result;
  }
  const flow = [
    emailStep({ ref: 'first' }),
    waitStep(2, 'days'),
    { ref: 'answered', stepType: 'condition', conditionRules: { type: 'email_replied' }, trueNextRef: 'thanks', falseNextRef: 'reminder' },
    emailStep({ ref: 'thanks', subjectLine: 'Thanks for your answer', nextRef: null }),
    emailStep({ ref: 'reminder', subjectLine: 'Did you see this?', nextRef: null }),
  ];
  async function drip(people: string[], over: Record<string, unknown> = {}): Promise<string> {
    await story.importContacts(people.map((name) => `${name}@example.com,${name},pro`));
    const id = await story.campaign({ campaignType: 'drip', ...over }, flow);
    const before = sink.messages.length;
    await story.launch(id);
    await sink.waitForCount(before + people.length);
    await story.settles(id);
    return id;
  }
  const enrollments = async (id: string) => {
    const found = await app.db.asSystem((tx) =>
      rows<{ email: string; status: string; exit_reason: string | null }>(
        tx,
        `SELECT k.email, n.status, n.exit_reason FROM campaign_contacts n JOIN contacts k ON k.tenant_id = n.tenant_id AND k.id = n.contact_id
          WHERE n.campaign_id = $1 ORDER BY k.email`,
        [id],
      ),
    );
    return found.map(({ email, status, exit_reason: reason }) => [email.split('@')[0], status, reason]);
  };
  const replies = async (id: string) =>
    (await story.api.must(200, story.api.get(`/api/campaigns/${id}/analytics?startDate=2030-01-01&endDate=2030-12-31`))).totals.replies;

  it('give every message an address of its own, unless the campaign names one', async () => {
    await drip(['ada', 'bob']);
    const [ada, bob] = [await replyAddressOf('ada@example.com'), await replyAddressOf('bob@example.com')];
    for (const address of [ada, bob]) expect(address).toMatch(/^r\+[0-9a-z]{62}@reply\.acme\.example$/);
    expect(ada).not.toBe(bob);
    expect((await lastTo('ada@example.com')).replyTo!.value[0].name).toBe('Acme News');
    await drip(['cyd'], { replyToEmail: 'support@acme.example' });
    expect(await replyAddressOf('cyd@example.com')).toBe('support@acme.example');
  });

  it('end a drip for whoever answered, and for nobody else', async () => {
    const id = await drip(['dan', 'eve']);
    expect((await story.get(id)).exitOnReply).toBe(true);
    expect(await answer({ to: await replyAddressOf('dan@example.com') })).toBe('replied');
    await story.settles(id);
    expect(await enrollments(id)).toEqual([
      ['dan', 'exited', 'replied'],
      ['eve', 'active', null],
    ]);
    expect(await replies(id)).toBe(1);
    const count = sink.messages.length;
    app.clock.advance({ days: 2, minutes: 1 });
    await sink.waitForCount(count + 1);
    await story.reaches(id, 'completed');
    expect((await lastTo('eve@example.com')).subject).toBe('Did you see this?');
    expect(messagesTo('dan@example.com')).toHaveLength(1);
  });

  it('open the branch for those who answered where the campaign goes on', async () => {
    const id = await drip(['fay', 'gus'], { exitOnReply: false });
    const to = await replyAddressOf('fay@example.com');
    // Mail systems may change the case of an address.
    expect(await answer({ to: `Acme News <${to.toUpperCase()}>` })).toBe('replied');
    await story.settles(id);
    app.clock.advance({ days: 2, minutes: 1 });
    await story.reaches(id, 'completed');
    expect((await lastTo('fay@example.com')).subject).toBe('Thanks for your answer');
    expect((await lastTo('gus@example.com')).subject).toBe('Did you see this?');
    expect(await replies(id)).toBe(1);
  });

  it('are recognised where a machine wrote them: nobody leaves, nothing counts, but it is on record', async () => {
    const id = await drip(['hal']);
    const to = await replyAddressOf('hal@example.com');
    const machines: [string, Partial<Answer>][] = [
      ['auto_submitted', { headers: { 'Auto-Submitted': 'auto-replied (vacation)' } }],
      ['null_sender', { envelopeFrom: '' }],
      ['mailer_daemon', { from: 'Mail Delivery Subsystem <MAILER-DAEMON@example.com>' }],
      ['delivery_report', { headers: { 'Content-Type': 'multipart/report; report-type=delivery-status' } }],
      ['precedence', { headers: { Precedence: 'bulk' } }],
      ['x_autoreply', { headers: { 'X-Autoreply': 'yes' } }],
      ['auto_response_suppress', { headers: { 'X-Auto-Response-Suppress': 'DR, OOF,\n\tAutoReply' } }],
      ['list', { headers: { 'List-Id': '<list.example.com>' } }],
      ['subject', { headers: { Subject: 'Out of Office: Re: Hello' } }],
    ];
    for (const [, mail] of machines) expect(await answer({ to, ...mail })).toBe('auto_replied');
    await story.settles(id);
    expect(await enrollments(id)).toEqual([['hal', 'active', null]]);
    expect(await replies(id)).toBe(0);
    const contactId = await story.contactId('hal@example.com');
    const timeline = await story.api.must(200, story.api.get(`/api/campaigns/${id}/contacts/${contactId}/timeline`));
    const seen = timeline.entries
      .filter(({ type }: { type: string }) => type === 'auto_replied')
      .map(({ detail }: { detail: { machineReason: string } }) => detail.machineReason);
    expect(seen.sort()).toEqual(machines.map(([reason]) => reason).sort());
    // A person who also is on leave is still a person.
    expect(await answer({ to, headers: { 'Auto-Submitted': 'no', Subject: 'Re: Out of office?' } })).toBe('replied');
    await story.settles(id);
    expect(await enrollments(id)).toEqual([['hal', 'exited', 'replied']]);
  });

  it('count once however often they are delivered, and what they say is not kept', async () => {
    const id = await drip(['ida']);
    const mail = { to: await replyAddressOf('ida@example.com'), headers: { 'Message-ID': '<the-same@example.com>' } };
    expect([await answer(mail), await answer(mail)]).toEqual(['replied', 'repeated']);
    app.clock.advance({ hours: 1 });
    expect(await answer(mail)).toBe('repeated');
    const stored = await app.db.asSystem((tx) =>
      rows(tx, `SELECT v::text AS v FROM email_events v UNION ALL SELECT b::text FROM webhook_batches b`),
    );
    expect(JSON.stringify(stored)).not.toMatch(/secret/);
    expect(id).toBeTruthy();
  });

  it('come in SendGrid’s raw mode and by a secret in the path too', async () => {
    const id = await drip(['joy']);
    const to = await replyAddressOf('joy@example.com');
    const raw = new FormData();
    raw.set(
      'email',
      `From: joy@example.com\r\nTo: Acme\r\n <${to}>\r\nSubject: Re: Hello\r\nMessage-ID: <raw@example.com>\r\n\r\nAuto-Submitted: x\r\n`,
    );
    const response = await fetch(`${url()}/${SECRET}`, { method: 'POST', body: raw });
    expect([response.status, await response.json()]).toEqual([200, { result: 'replied' }]);
    await story.settles(id);
    expect(await enrollments(id)).toEqual([['joy', 'exited', 'replied']]);
  });

  it('are taken from nobody without the secret, and from no address that was made up', async () => {
    const id = await drip(['kim']);
    const to = await replyAddressOf('kim@example.com');
    const secrets = [
      { authorization: '' },
      { authorization: 'Basic x' },
      { authorization: `Basic ${btoa('a:b')}` },
      { authorization: `Bearer ${SECRET}` },
    ];
    for (const headers of secrets) expect((await post(form({ to }), headers)).status).toBe(401);
    expect((await fetch(`${url()}/${SECRET}x`, { method: 'POST', body: form({ to }) })).status).toBe(401);
    const last = to.split('@')[0].at(-1)!;
    const altered = to.replace(`${last}@`, `${last === 'a' ? 'b' : 'a'}@`);
    for (const other of [altered, `r+${'z'.repeat(62)}@reply.acme.example`, 'r+@reply.acme.example', 'someone@reply.acme.example', '']) {
      expect(await answer({ to: other })).toBe('unknown_address');
    }
    const broken: [RequestInit['body'], Record<string, string>][] = [
      ['', {}],
      ['{}', { 'content-type': 'application/json' }],
      ['--x\r\nContent-Disposition: form-data; name="headers"\r\n\r\nTo: x', { 'content-type': 'multipart/form-data; boundary=x' }],
      ['x', { 'content-type': 'multipart/form-data' }],
      [new FormData(), {}],
    ];
    for (const [body, headers] of broken) expect((await post(body, headers)).status).toBe(400);
    expect(await enrollments(id)).toEqual([['kim', 'active', null]]);
  });

  it('are not lost over how a mail gateway writes its forms: odd attachments, thousands of parts, headers without end', async () => {
    const people = ['lea', 'max', 'noa'];
    const id = await drip(people);
    const type = { 'content-type': 'multipart/form-data; boundary=xYzZY' };
    const part = (name: string, text: string, more = '') =>
      `--xYzZY\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${text}\r\n`;
    const mail = async (name: string, more = '') =>
      part('headers', `From: ${name}@example.com\nTo: ${await replyAddressOf(`${name}@example.com`)}\nMessage-ID: <odd-${name}>\n${more}`);
    const bodies = [
      part('attachment1', 'z', '; filename="my \\"best\\"; picture.png"') +
        (await mail('lea')) +
        part('attachment2', 'cut', '; filename="b"').slice(0, -9),
      (await mail('max')) + part('x', 'y').repeat(5_000) + '--xYzZY--\r\n',
      (await mail('noa', `X-Long: ${'y'.repeat(2_000_000)}`)) + '--xYzZY--\r\n',
    ];
    for (const body of bodies) {
      const answer = await post(body, type);
      expect([answer.status, await answer.json()]).toEqual([200, { result: 'replied' }]);
    }
    await story.settles(id);
    expect(await enrollments(id)).toEqual(people.map((name) => [name, 'exited', 'replied']));
  });
});
