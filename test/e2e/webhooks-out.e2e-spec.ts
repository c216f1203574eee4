import { ApiKeysService, systemContext } from '../../src/modules/identity/index.js';
import { newWebhookSecret } from '../../src/shared/outbound/index.js';
import { ApiClient } from '../support/api-client.js';
import { until } from '../support/poll.js';
import { emailStep, Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { isSignedWith, WebhookReceiver } from '../support/webhook-receiver.js';

/** What a tenant's own program is told, over HTTP from the subscription to the signed message. */
describe('webhooks to a tenant', () => {
  let app: TestApp;
  let receiver: WebhookReceiver;
  let tenantId: string;
  let api: ApiClient;

  beforeAll(async () => {
    receiver = await WebhookReceiver.start();
    app = await startTestApp({ env: { ALLOW_PRIVATE_NETWORKS: 'true', MAIL_PROVIDER: 'null' } });
  });
  beforeEach(async () => {
    ({ tenantId, api } = await app.tenant());
  });
  afterAll(async () => {
    await app?.close();
    await receiver?.stop();
  });

  const create = (path: string, eventTypes: string[] = ['campaign.launched']) =>
    api.must(201, api.post('/api/webhooks', { url: receiver.url(path), eventTypes }));
  const log = async (id: string) => (await api.must(200, api.get(`/api/webhooks/${id}/deliveries`))).data;
  const ping = (id: string) => api.must(202, api.post(`/api/webhooks/${id}/ping`));
  const arrived = (path: string, count = 1) =>
    until(() => (receiver.at(path).length >= count ? receiver.at(path) : null), { what: `${count} messages at ${path}` });

  it('tell of a campaign and its mail as it runs, signed', async () => {
    const events = ['campaign.launched', 'email.sent', 'campaign.completed'];
    const { id, secret } = await create('/story', events);
    const story = new Story(app, api);
    await story.importContacts(3);
    const campaign = await story.campaign();
    await story.launch(campaign);
    await story.reaches(campaign, 'completed');
    const messages = await arrived('/story', 5);
    const types = messages.map(({ body }) => body.type).sort();
    expect(types).toEqual(['campaign.completed', 'campaign.launched', 'email.sent', 'email.sent', 'email.sent']);
    expect(messages.every((message) => isSignedWith(secret, message))).toBe(true);
    expect(messages.every(({ body }) => body.data.campaignId === campaign)).toBe(true);
    expect(new Set(messages.map((message) => message.id)).size).toBe(5);
    const sent = messages.filter(({ body }) => body.type === 'email.sent');
    expect(Object.keys(sent[0].body.data).sort()).toEqual(['campaignId', 'contactId', 'emailId', 'stepId']);
    await until(async () => (await log(id)).every((delivery: any) => delivery.status === 'delivered'));
    expect(await log(id)).toHaveLength(5);
  });

  it('are called by steps of a flow too, signed with a secret that nobody gets to see again', async () => {
    const story = new Story(app, api);
    await story.importContacts(['ada@example.com,Ada,pro', 'bob@example.com,Bob,free']);
    const secret = newWebhookSecret();
    const call = { stepType: 'action', stepName: 'Tell the CRM', actionConfig: { type: 'webhook', url: receiver.url('/step'), secret } };
    const draft = await story.campaign({ name: 'Onboarding' }, [call, emailStep()]);
    // What an editor has read it saves again; then the campaign is copied.
    const { data: read } = await api.must(200, api.get(`/api/campaigns/${draft}/steps`));
    expect(read[0].actionConfig).toEqual({ type: 'webhook', url: receiver.url('/step'), hasSecret: true });
    await api.must(
      200,
      api.put(`/api/campaigns/${draft}/steps`, { steps: [{ ...call, actionConfig: read[0].actionConfig }, emailStep()] }),
    );
    const { data: saved } = await api.must(200, api.get(`/api/campaigns/${draft}/steps`));
    await api.must(200, api.patch(`/api/campaigns/${draft}/steps/${saved[0].id}`, { stepName: 'Tell our CRM' }));
    const { id } = await api.must(201, api.post(`/api/campaigns/${draft}/clone`, { name: 'Onboarding 2' }));
    const { steps } = await api.must(200, api.get(`/api/campaigns/${id}`));
    const audited = await app.db.asSystem((tx) => tx.query('SELECT * FROM audit_log WHERE tenant_id = $1', [tenantId]));
    expect(JSON.stringify([read, saved, steps, audited])).not.toMatch(/whsec_|sealed/);

    receiver.answer('/step', (nth) => ({ status: nth === 1 ? 500 : 204 }));
    await story.launch(id);
    await story.reaches(id, 'completed');
    await arrived('/step', 2);
    const calls = async (query = '') => (await api.must(200, api.get(`/api/campaigns/${id}/steps/${steps[0].id}/calls${query}`))).data;
    const [waiting] = await until(async () => {
      const list = await calls('?status=pending');
      return list.length === 1 && list[0].lastAttemptAt && list;
    });
    expect(waiting).toMatchObject({ attempts: 1, statusCode: 500, error: null });
    app.clock.advance({ seconds: 7 });
    const messages = await arrived('/step', 3);
    expect(messages.every((message) => isSignedWith(secret, message))).toBe(true);
    expect(messages.filter(({ headers }) => headers['idempotency-key'] === waiting.id)).toHaveLength(2);
    const { campaign, step, contact } = messages.find(({ body }) => body.data.contact.email === 'ada@example.com')!.body.data;
    expect([campaign, step]).toEqual([
      { id, name: 'Onboarding 2' },
      { id: steps[0].id, name: 'Tell our CRM' },
    ]);
    expect(contact).toMatchObject({ id: await story.contactId('ada@example.com'), firstName: 'Ada', attributes: { plan: 'pro' } });
    await until(async () => (await calls('?status=delivered')).length === 2);
    expect((await story.ledger(id)).calls).toMatchObject({ recorded: 2, delivered: 2, addsUp: true });
    expect((await api.get(`/api/campaigns/${id}/steps/${steps[1].id}/calls`)).status).toBe(404);
    expect((await (await app.tenant('Other')).api.get(`/api/campaigns/${id}/steps/${steps[0].id}/calls`)).status).toBe(404);
  });

  it('try again later, and on demand, under the same id', async () => {
    receiver.answer('/retry', (nth) => ({ status: nth === 1 ? 503 : 200 }));
    const { id } = await create('/retry');
    await ping(id);
    const [failed] = await until(async () => {
      const list = await log(id);
      return list[0].lastAttemptAt && list;
    });
    expect(failed).toMatchObject({ eventType: 'webhook.ping', status: 'pending', attempts: 1, statusCode: 503, error: null });
    expect(Date.parse(failed.nextAttemptAt) - app.clock.now().getTime()).toBeGreaterThanOrEqual(5_000);
    expect(await api.must(200, api.get(`/api/webhooks/${id}`))).toMatchObject({ failingSince: app.clock.now().toISOString() });
    app.clock.advance({ seconds: 7 });
    await arrived('/retry', 2);
    await until(async () => (await log(id))[0].status === 'delivered');
    expect(await api.must(200, api.get(`/api/webhooks/${id}`))).toMatchObject({ failingSince: null });
    await api.must(202, api.post(`/api/webhooks/${id}/deliveries/${failed.id}/replay`));
    const messages = await arrived('/retry', 3);
    expect(new Set(messages.map((message) => message.id))).toEqual(new Set([`msg_${failed.id}`]));
    expect(new Set(messages.map(({ raw }) => raw)).size).toBe(1);
  });

  it('sign with both secrets while one replaces the other, and with the new one alone afterwards', async () => {
    const { id, secret } = await create('/rotate');
    const { secret: newer } = await api.must(200, api.post(`/api/webhooks/${id}/rotate-secret`, { overlapHours: 2 }));
    expect(newer).toMatch(/^whsec_/);
    await ping(id);
    const [during] = await arrived('/rotate', 1);
    expect([isSignedWith(secret, during), isSignedWith(newer, during)]).toEqual([true, true]);
    app.clock.advance({ hours: 3 });
    await ping(id);
    const [, after] = await arrived('/rotate', 2);
    expect([isSignedWith(secret, after), isSignedWith(newer, after)]).toEqual([false, true]);
    expect(JSON.stringify((await api.get(`/api/webhooks/${id}`)).body)).not.toContain('whsec_');
  });

  it('can be listed, changed, switched off and deleted', async () => {
    const { id } = await create('/crud');
    await create('/crud2');
    const first = await api.must(200, api.get('/api/webhooks?limit=1'));
    const second = await api.must(200, api.get(`/api/webhooks?limit=1&cursor=${first.nextCursor}`));
    expect([...first.data, ...second.data].map(({ url }) => url)).toEqual([receiver.url('/crud2'), receiver.url('/crud')]);
    const off = await api.must(200, api.patch(`/api/webhooks/${id}`, { enabled: false, description: 'CRM', eventTypes: ['email.sent'] }));
    expect(off).toMatchObject({ enabled: false, description: 'CRM', eventTypes: ['email.sent'], url: receiver.url('/crud') });
    expect(await api.post(`/api/webhooks/${id}/ping`)).toMatchObject({ status: 409, body: { currentStatus: 'disabled' } });
    await api.must(200, api.patch(`/api/webhooks/${id}`, { enabled: true }));
    await ping(id);
    await arrived('/crud', 1);
    await api.must(204, api.delete(`/api/webhooks/${id}`));
    expect((await api.get(`/api/webhooks/${id}`)).status).toBe(404);
    expect((await api.get(`/api/webhooks/${id}/deliveries`)).status).toBe(404);
  });

  it('are nobody else’s business', async () => {
    const { id } = await create('/private');
    const { id: deliveryId } = await ping(id);
    const { api: stranger } = await app.tenant('Other');
    const calls = [
      stranger.get(`/api/webhooks/${id}`),
      stranger.patch(`/api/webhooks/${id}`, { enabled: false }),
      stranger.delete(`/api/webhooks/${id}`),
      stranger.post(`/api/webhooks/${id}/ping`),
      stranger.post(`/api/webhooks/${id}/rotate-secret`, {}),
      stranger.get(`/api/webhooks/${id}/deliveries`),
      stranger.post(`/api/webhooks/${id}/deliveries/${deliveryId}/replay`),
    ];
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 404));
    const ctx = { ...systemContext(tenantId), roles: ['owner' as const] };
    const { key } = await app.app.get(ApiKeysService).create(ctx, { name: 'Manager', roles: ['campaign_manager'] });
    expect((await new ApiClient(app.baseUrl, key).get('/api/webhooks')).status).toBe(403);
  });

  it('are twenty at most, also when the last are made at the same moment', async () => {
    const full = await app.tenant('Full');
    const make = () => full.api.post('/api/webhooks', { url: receiver.url('/full'), eventTypes: ['email.sent'], enabled: false });
    for (let i = 0; i < 19; i++) expect((await make()).status).toBe(201);
    expect((await Promise.all([make(), make(), make(), make()])).map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  it.each([
    [{ url: 'ftp://acme.example/x', eventTypes: ['email.sent'] }, 422, 'url'],
    [{ url: 'not a url', eventTypes: ['email.sent'] }, 422, 'url'],
    [{ url: 'https://user:pw@acme.example/', eventTypes: ['email.sent'] }, 422, 'url'],
    [{ url: 'https://acme.example/', eventTypes: [] }, 400, 'eventTypes'],
    [{ url: 'https://acme.example/', eventTypes: ['email.exploded'] }, 400, 'eventTypes'],
    [{ eventTypes: ['email.sent'] }, 400, 'url'],
    [{ url: 'https://acme.example/', eventTypes: ['email.sent'], enabled: null }, 400, 'enabled'],
  ])('refuse %j with %i at %s', async (body, status, path) => {
    const answer = await api.post('/api/webhooks', body);
    expect(answer.status).toBe(status);
    expect(answer.body.errors[0].path).toContain(path);
  });
});

describe('webhooks where private networks are closed', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api' } });
  });
  afterAll(() => app?.close());

  it.each(['http://acme.example/', 'https://127.0.0.1/', 'https://[::1]/', 'https://169.254.169.254/latest', 'https://acme.example:8443/'])(
    'are not made to %s',
    async (url) => {
      const { api } = await app.tenant();
      const answer = await api.post('/api/webhooks', { url, eventTypes: ['email.sent'] });
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'url', code: 'webhook_url' }] } });
      // One sentence, whatever is wrong.
      expect(answer.body.detail).toMatch(/: it (must|leads) /);
    },
  );
});
