import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { simpleParser } from 'mailparser';
import { createLogger } from '../../src/app/logger.js';
import { rows } from '../../src/database/index.js';
import { until } from '../support/poll.js';
import { SendGridSigner, postEvents } from '../support/sendgrid-events.js';
import { SmtpSink } from '../support/smtp-sink.js';
import { emailStep, linkIn, Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const HEADER = 'email,firstName,plan';
const PASSWORD = 'sesame-of-the-relay-1';
const HOOK_SECRET = `whsec_${Buffer.from('the secret of a program of yours').toString('base64')}`;
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWFkYQ';

/** A log is read by many and kept for long: whoever gets hold of it must learn nothing of people, and nothing to sign in with. */
describe('the log at its most talkative', () => {
  let app: TestApp;
  let sink: SmtpSink;
  let receiver: WebhookReceiver;
  const signer = new SendGridSigner();
  const written: string[] = [];

  beforeAll(async () => {
    for (const stream of [process.stdout, process.stderr])
      jest.spyOn(stream, 'write').mockImplementation((chunk: string | Uint8Array) => written.push(String(chunk)) > 0);
    [sink, receiver] = await Promise.all([
      SmtpSink.start({ auth: { user: 'relay-user@acme.example', pass: PASSWORD } }),
      WebhookReceiver.start(),
    ]);
    const env = {
      MAIL_PROVIDER: 'smtp',
      SMTP_URL: sink.url(),
      ALLOW_PRIVATE_NETWORKS: 'true',
      SENDGRID_WEBHOOK_PUBLIC_KEY: signer.publicKey,
    };
    app = await startTestApp({ env });
    Logger.overrideLogger(createLogger('debug'));
  });
  afterAll(async () => {
    await app.close();
    await Promise.all([sink.stop(), receiver.stop()]);
    jest.restoreAllMocks();
  });

  it('names no address, no person, no key, no token, no secret and no word of a message, whatever goes wrong', async () => {
    const { tenantId, api } = await app.tenant();
    const story = new Story(app, api);
    // Contacts: good ones, and an import with faults.
    await story.importContacts(
      ['ottilie@people.example,Ottilie,pro', 'gone@people.example,Quirin,pro', 'full@people.example,Xanthippe,pro'],
      HEADER,
    );
    await api.post('/api/contacts/import', `${HEADER}\nno-address-of-Wendelin,Wendelin,x\nwendelin@people.example,${'W'.repeat(300)},x`, {
      'content-type': 'text/csv',
    });
    expect((await api.post('/api/contacts', { email: 'mistyped@people', firstName: 'Wendelin', secret: HOOK_SECRET })).status).toBe(400);
    expect((await api.get('/api/me', { authorization: `Bearer ${JWT}` })).status).toBe(401);
    expect((await api.get('/api/contacts/ottilie@people.example')).status).toBe(400);
    expect((await api.get('/nowhere/ottilie@people.example')).status).toBe(404);
    // Mail that is taken, refused for good and for now, by a server that quotes addresses; a program that fails; an account that is refused.
    receiver.answer('/hook', () => ({ status: 500 }));
    sink.script = ({ verb, address }) => {
      if (verb !== 'RCPT') return;
      if (address.startsWith('gone')) return { code: 550, message: `5.1.1 <${address}>: no such user` };
      if (address.startsWith('full')) return { code: 450, message: `4.2.2 <${address}>: mailbox full` };
    };
    const hook = { stepType: 'action', actionConfig: { type: 'webhook', url: receiver.url('/hook?of=Ottilie'), secret: HOOK_SECRET } };
    const letter = emailStep({ subjectLine: 'Zitronenfalter for {{ contact.first_name }}' });
    const id = await story.campaign({}, [hook, letter]);
    await story.launch(id);
    await story.settles(id);
    await until(() => receiver.received.length >= 3, { what: 'the calls that fail' });
    const relay = { host: '127.0.0.1', port: sink.port, encryption: 'none' };
    sink.script = ({ verb }) => (verb === 'AUTH' ? { code: 535, message: '5.7.8 <refused@acme.example>: no such account' } : undefined);
    const account = { name: 'Refused', kind: 'smtp', smtp: { ...relay, username: 'refused@acme.example', password: 'not-the-password-1' } };
    const { id: providerAccountId } = await api.must(201, api.post('/api/provider-accounts', account));
    const refused = await story.campaign({ providerAccountId }, [letter]);
    await story.launch(refused);
    await until(async () => written.some((line) => line.includes('is left alone: account_fault')), {
      what: 'the account to be left alone',
    });
    expect(written.join('')).toContain('5.7.8 <[address]>: no such account');
    // What comes back: openings, an unsubscription, links that were changed, a call with a wrong signature and one that cannot be read.
    const mail = await simpleParser(sink.messages[0].raw);
    const [pixel, unsubscribe] = ['/t/o/', '/u/'].map((part) => new URL(linkIn(String(mail.html), part)).pathname);
    for (const path of [pixel, `${pixel}x`, unsubscribe]) await api.get(path, { 'user-agent': 'Agent-of-Ottilie/1.0' });
    expect(
      (await api.post(unsubscribe, 'List-Unsubscribe=One-Click', { 'content-type': 'application/x-www-form-urlencoded' })).status,
    ).toBe(200);
    const events = [
      { event: 'bounce', email: 'ottilie@people.example', reason: 'Zitronenfalter', timestamp: 'never', campaign_engine_email: 7 },
    ];
    expect((await postEvents(`${app.baseUrl}/webhooks/sendgrid/events`, new SendGridSigner(), events, app.clock.now())).status).toBe(401);
    await postEvents(`${app.baseUrl}/webhooks/sendgrid/events`, signer, events, app.clock.now());
    await story.settles(id);

    const outcomes = await app.db.inTenant(tenantId, (tx) =>
      rows<{ reason: string | null }>(tx, `SELECT DISTINCT reason FROM emails WHERE tenant_id = $1 AND attempts > 0 ORDER BY 1`, [
        tenantId,
      ]),
    );
    expect(outcomes.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['deferred', 'recipient_refused', null]));
    const log = written.join('');
    for (const route of ['/api/contacts/import', '/api/contacts/:id', '/t/o/:token', '/u/:token', '/webhooks/sendgrid/events', 'none'])
      expect(log).toContain(`"route":"${route}"`);
    const line = JSON.parse(log.split('\n').find((text) => text.includes('"route":"/api/me"'))!);
    expect(line).toMatchObject({
      level: 'log',
      message: 'GET /api/me 401',
      method: 'GET',
      status: 401,
      ms: expect.any(Number),
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
    });
    const secrets = [
      api.apiKey!,
      JWT,
      HOOK_SECRET,
      PASSWORD,
      'not-the-password-1',
      pixel.split('/').at(-1)!,
      unsubscribe.split('/').at(-1)!,
      signer.publicKey,
    ];
    const people = [
      'people.example',
      '@acme.example',
      'mistyped',
      'Ottilie',
      'Quirin',
      'Xanthippe',
      'Wendelin',
      'Zitronenfalter',
      'Agent-of-',
    ];
    for (const word of [...secrets, ...people]) expect(log.split('\n').filter((text) => text.includes(word))).toEqual([]);
  });
});
