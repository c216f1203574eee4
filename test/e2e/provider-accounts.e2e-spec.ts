import { rows } from '../../src/database/index.js';
import type { ApiClient } from '../support/api-client.js';
import { until } from '../support/poll.js';
import { SendGridDouble, targetOf } from '../support/sendgrid-double.js';
import { eventOf, postEvents, SendGridSigner } from '../support/sendgrid-events.js';
import { SmtpSink } from '../support/smtp-sink.js';
import { Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const PASSWORD = 'correct horse battery staple';

describe('provider accounts', () => {
  let app: TestApp;
  let api: ApiClient;
  let tenantId: string;
  let own: SmtpSink;
  let relay: SmtpSink;
  let sendgrid: SendGridDouble;

  beforeAll(async () => {
    [own, relay, sendgrid] = await Promise.all([
      SmtpSink.start(),
      SmtpSink.start({ auth: { user: 'mailer', pass: PASSWORD } }),
      SendGridDouble.start(),
    ]);
    app = await startTestApp({
      env: { MAIL_PROVIDER: 'smtp', SMTP_URL: own.url(), SENDGRID_BASE_URL: sendgrid.url, ALLOW_PRIVATE_NETWORKS: 'true' },
    });
  });
  beforeEach(async () => {
    ({ api, tenantId } = await app.tenant());
    for (const sink of [own, relay]) {
      sink.messages.length = 0;
      sink.script = undefined;
    }
  });
  afterAll(async () => {
    await app?.close();
    await Promise.all([own, relay, sendgrid].map((sink) => sink?.stop()));
  });

  const smtp = (over: Record<string, unknown> = {}, settings: Record<string, unknown> = {}) => ({
    name: 'Relay',
    kind: 'smtp',
    smtp: { host: '127.0.0.1', port: relay.port, encryption: 'none', username: 'mailer', password: PASSWORD, ...settings },
    ...over,
  });
  const create = (body: unknown) => api.must(201, api.post('/api/provider-accounts', body));

  it('keeps secrets to itself: no answer, no audit entry and no column shows them', async () => {
    const account = await create(smtp());
    const changed = await api.must(200, api.patch(`/api/provider-accounts/${account.id}`, { smtp: { password: `${PASSWORD}!` } }));
    const sg = await create({ name: 'SendGrid', kind: 'sendgrid', sendgrid: { apiKey: 'SG.secret-of-the-tenant' } });
    const list = await api.must(200, api.get('/api/provider-accounts'));
    expect(changed.smtp).toEqual({
      host: '127.0.0.1',
      port: relay.port,
      encryption: 'none',
      username: 'mailer',
      hasPassword: true,
      connections: 4,
    });
    expect(sg).toMatchObject({ kind: 'sendgrid', smtp: null, sendgrid: { region: 'global', hasApiKey: true } });
    const stored = await app.db.inTenant(tenantId, async (tx) => [
      await rows(
        tx,
        `SELECT to_jsonb(a) AS row, encode(encrypted_secrets, 'escape') AS text FROM provider_accounts a WHERE tenant_id = $1`,
        [tenantId],
      ),
      await rows(tx, `SELECT to_jsonb(l) FROM audit_log l WHERE tenant_id = $1`, [tenantId]),
      await rows(tx, `SELECT to_jsonb(k) FROM idempotency_keys k WHERE tenant_id = $1`, [tenantId]),
    ]);
    expect(JSON.stringify([account, changed, sg, list, stored])).not.toMatch(/correct horse|secret-of-the-tenant/);
    expect(JSON.stringify(stored)).toContain('provider_account.updated');
  });

  it('take what their own SendGrid account reports, signed with its own key: whoever complained there gets no more mail', async () => {
    const signer = new SendGridSigner();
    const account = await create({
      name: 'SendGrid',
      kind: 'sendgrid',
      isDefault: true,
      sendgrid: { apiKey: sendgrid.apiKey, webhookPublicKey: signer.publicKey },
    });
    const story = new Story(app, api);
    await story.importContacts(1);
    const id = await story.campaign();
    await story.launch(id);
    await story.reaches(id, 'completed');
    const mail = sendgrid.messages.find(({ custom_args: args }) => args.campaign_id === id)!;
    const url = `${app.baseUrl}${account.sendgrid.webhookPath}`;
    const events = [eventOf(targetOf(mail), 'spamreport', Math.floor(app.clock.now().getTime() / 1000))];
    expect((await postEvents(url, new SendGridSigner(), events, app.clock.now())).status).toBe(401);
    expect((await postEvents(`${url}0`, signer, events, app.clock.now())).status).toBe(404);
    expect((await postEvents(url, signer, events, app.clock.now())).status).toBe(200);
    await until(async () => (await api.get('/api/suppressions/person1@example.com')).body.reason === 'complaint', {
      what: 'the complaint to count',
    });
    const path = `/api/provider-accounts/${account.id}`;
    const refused = await api.patch(path, { sendgrid: { webhookPublicKey: 'no key' } });
    expect(refused.body.errors).toEqual([expect.objectContaining({ path: 'sendgrid.webhookPublicKey' })]);
    const changed = await api.must(200, api.patch(path, { sendgrid: { region: 'eu' } }));
    expect(changed.sendgrid).toEqual({ ...account.sendgrid, region: 'eu' });
    await api.must(200, api.patch(path, { sendgrid: { webhookPublicKey: null } }));
    expect((await postEvents(url, signer, events, app.clock.now())).status).toBe(404);
  });

  it('carry the campaigns that name them, the default one those that name none, and the installation the rest', async () => {
    const named = await create(smtp());
    const stories = await Promise.all(
      ['installation', 'named', 'default'].map(async (kind) => ({ kind, story: new Story(app, api, `${kind}@acme.example`) })),
    );
    await stories[0].story.importContacts(3);
    const send = async ({ story }: (typeof stories)[number], over: Record<string, unknown> = {}) => {
      const id = await story.campaign(over);
      await story.launch(id);
      await story.reaches(id, 'completed');
      return id;
    };
    await send(stories[0]);
    const through = await send(stories[1], { providerAccountId: named.id });
    await create({ name: 'SendGrid', kind: 'sendgrid', isDefault: true, sendgrid: { apiKey: sendgrid.apiKey } });
    await send(stories[2]);
    expect(own.messages.map(({ from }) => from)).toEqual(Array(3).fill('installation@acme.example'));
    expect(relay.messages.map(({ from }) => from)).toEqual(Array(3).fill('named@acme.example'));
    expect(sendgrid.messages.filter(({ from }) => from.email === 'default@acme.example')).toHaveLength(3);
    expect((await stories[1].story.get(through)).providerAccountId).toBe(named.id);
  });

  it('stop only their own campaigns when one of them is refused, and go on with a mended password', async () => {
    const broken = await create(smtp({ name: 'Broken' }, { password: 'wrong' }));
    const story = new Story(app, api);
    await story.importContacts(2);
    const stuck = await story.campaign({ providerAccountId: broken.id });
    await story.launch(stuck);
    const free = await story.campaign();
    await story.launch(free);
    await story.reaches(free, 'completed');
    expect(own.messages).toHaveLength(2);
    expect(relay.messages).toHaveLength(0);
    await api.must(200, api.patch(`/api/provider-accounts/${broken.id}`, { smtp: { password: PASSWORD } }));
    app.clock.advance({ minutes: 5 });
    await story.reaches(stuck, 'completed');
    expect(relay.messages).toHaveLength(2);
  });

  it('has one default at a time and one account of a name', async () => {
    const first = await create(smtp({ isDefault: true }));
    const second = await create(smtp({ name: 'Second', isDefault: true }));
    const { data } = await api.must(200, api.get('/api/provider-accounts'));
    expect(data.map(({ id, isDefault }: any) => [id, isDefault])).toEqual([
      [second.id, true],
      [first.id, false],
    ]);
    expect((await api.post('/api/provider-accounts', smtp())).status).toBe(409);
    expect((await api.patch(`/api/provider-accounts/${second.id}`, { name: 'Relay' })).status).toBe(409);
  });

  it('cannot be deleted under a campaign that needs them, and are gone with their secret otherwise', async () => {
    const account = await create(smtp());
    const story = new Story(app, api);
    await story.importContacts(1);
    const draft = await story.campaign({ providerAccountId: account.id });
    const waiting = await story.campaign({ providerAccountId: account.id, sendStrategy: 'scheduled', startDate: '2035-01-01T00:00:00Z' });
    await api.must(200, api.post(`/api/campaigns/${waiting}/schedule`));
    const refused = await api.delete(`/api/provider-accounts/${account.id}`);
    expect(refused).toMatchObject({ status: 409, body: { campaignIds: [waiting] } });
    await api.must(200, api.post(`/api/campaigns/${waiting}/cancel`));
    expect((await api.delete(`/api/provider-accounts/${account.id}`)).status).toBe(204);
    expect((await api.get(`/api/provider-accounts/${account.id}`)).status).toBe(404);
    const preflight = await api.must(200, api.get(`/api/campaigns/${draft}/preflight`));
    expect(preflight.errors).toContainEqual(expect.objectContaining({ code: 'provider_account_not_found', path: 'providerAccountId' }));
    expect((await api.post(`/api/campaigns/${draft}/launch`)).status).toBe(422);
    const [{ secret }] = await app.db.inTenant(tenantId, (tx) =>
      rows(tx, 'SELECT encrypted_secrets AS secret FROM provider_accounts WHERE tenant_id = $1 AND id = $2', [tenantId, account.id]),
    );
    expect(secret).toBeNull();
  });

  it('belong to one tenant: another cannot see, use, change or delete them', async () => {
    const account = await create(smtp());
    const { api: other } = await app.tenant('Other');
    for (const answer of [
      await other.get(`/api/provider-accounts/${account.id}`),
      await other.patch(`/api/provider-accounts/${account.id}`, { name: 'Mine' }),
      await other.delete(`/api/provider-accounts/${account.id}`),
    ]) {
      expect(answer.status).toBe(404);
    }
    const campaign = await other.post('/api/campaigns', { name: 'x', campaignType: 'drip', providerAccountId: account.id });
    expect(campaign).toMatchObject({ status: 422, body: { errors: [{ path: 'providerAccountId' }] } });
  });

  it.each([
    [{}, 'name'],
    [{ name: 'x', kind: 'pigeon' }, 'kind'],
    [{ name: 'x', kind: 'smtp' }, 'smtp.host'],
    [{ name: 'x', kind: 'smtp', smtp: { host: 'a b' } }, 'smtp.host'],
    [{ name: 'x', kind: 'smtp', smtp: { host: 'smtp.example.com\r\nX: y' } }, 'smtp.host'],
    [{ name: 'x', kind: 'smtp', smtp: { host: '127.0.0.1', port: 0 } }, 'smtp.port'],
    [{ name: 'x', kind: 'smtp', smtp: { host: '127.0.0.1', username: 'u' } }, 'smtp.password'],
    [{ name: 'x', kind: 'smtp', smtp: { host: '127.0.0.1', password: 'p' } }, 'smtp.username'],
    [{ name: 'x', kind: 'smtp', smtp: { host: '127.0.0.1' }, sendgrid: {} }, 'sendgrid'],
    [{ name: 'x', kind: 'sendgrid' }, 'sendgrid.apiKey'],
    [{ name: 'x', kind: 'sendgrid', sendgrid: { apiKey: 'with space in it' } }, 'sendgrid.apiKey'],
    [{ name: 'x', kind: 'sendgrid', sendgrid: { apiKey: 'SG.0123456789', region: 'moon' } }, 'sendgrid.region'],
    [{ name: 'x', kind: 'smtp', smtp: null }, 'smtp'],
    [{ name: 'x', kind: 'smtp', secret: 'x' }, 'secret'],
  ])('refuses %j at %s', async (body, path) => {
    const answer = await api.post('/api/provider-accounts', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((error: any) => error.path)).toContain(path);
  });

  it('does not send a stored password to another server', async () => {
    const account = await create(smtp());
    const answer = await api.patch(`/api/provider-accounts/${account.id}`, { smtp: { host: 'localhost' } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'smtp.password' }] } });
  });
});

describe('provider accounts of tenants who are not at home here', () => {
  let app: TestApp;
  let api: ApiClient;

  beforeAll(async () => {
    app = await startTestApp();
    ({ api } = await app.tenant());
  });
  afterAll(() => app?.close());

  it.each([
    [{ host: '127.0.0.1' }, 'smtp.host'],
    [{ host: 'localhost' }, 'smtp.host'],
    [{ host: '169.254.169.254' }, 'smtp.host'],
    [{ host: '[::1]' }, 'smtp.host'],
    [{ host: '[::ffff:127.0.0.1]' }, 'smtp.host'],
    [{ host: '2130706433' }, 'smtp.host'],
    [{ host: '8.8.8.8', port: 6379 }, 'smtp.port'],
    [{ host: '8.8.8.8', encryption: 'none', username: 'u', password: 'p' }, 'smtp.encryption'],
  ])('cannot reach into the network, nor send a password in the clear: %j', async (settings, path) => {
    const answer = await api.post('/api/provider-accounts', { name: 'x', kind: 'smtp', smtp: settings });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe(path);
  });

  it('are theirs to manage only for owners and admins', async () => {
    const { key } = await api.must(201, api.post('/api/api-keys', { name: 'k', roles: ['campaign_manager'] }));
    const headers = { authorization: `Bearer ${key}` };
    expect((await api.get('/api/provider-accounts', headers)).status).toBe(200);
    expect((await api.post('/api/provider-accounts', { name: 'x', kind: 'smtp' }, headers)).status).toBe(403);
  });
});
