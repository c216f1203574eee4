import { type AppConfig, loadConfig } from '../../src/config/index.js';
import { affected, rows } from '../../src/database/index.js';
import { CampaignLifecycle } from '../../src/modules/campaigns/index.js';
import { DeliveriesQueries } from '../../src/modules/webhooks/deliveries.queries.js';
import { WebhookDispatcher } from '../../src/modules/webhooks/dispatcher.js';
import { WEBHOOK_EVENTS } from '../../src/modules/webhooks/domain/webhook-events.js';
import { EndpointsQueries } from '../../src/modules/webhooks/endpoints.queries.js';
import { FactsQueries } from '../../src/modules/webhooks/facts.queries.js';
import { WebhookFacts } from '../../src/modules/webhooks/facts.service.js';
import { WebhookSecrets } from '../../src/modules/webhooks/webhook-secrets.js';
import { WebhookSender } from '../../src/modules/webhooks/webhook-sender.js';
import { SystemIds } from '../../src/shared/ids.js';
import { newWebhookSecret, OutboundGuard, OutboundHttp } from '../../src/shared/outbound/index.js';
import { SystemRandom } from '../../src/shared/random.js';
import { Factory } from '../support/factories.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../support/poll.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

interface Told {
  event_type: string;
  fact_key: string;
  data: Record<string, unknown>;
  status: string;
  attempts: number;
  error: string | null;
  status_code: number | null;
}

describe('outgoing webhooks', () => {
  let database: OpenTestDatabase;
  let make: Factory;
  let receiver: WebhookReceiver;
  let clock: FakeClock;
  let config: AppConfig;
  const endpoints = new EndpointsQueries();
  const ids = new SystemIds();

  beforeAll(async () => {
    database = await openTestDatabase();
    receiver = await WebhookReceiver.start();
    config = configOf('true');
  });
  afterAll(async () => {
    await receiver?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    clock = new FakeClock('2030-01-07T08:00:00Z');
    make = new Factory(database.db);
    await database.db.asSystem(async (tx) => {
      await affected(tx, 'DELETE FROM webhook_endpoints');
      await affected(tx, `UPDATE webhook_cursors SET seen_until = '-infinity'`);
    });
  });

  const configOf = (allowPrivate: string) =>
    loadConfig({ DATABASE_URL: database.url, APP_SECRET: 'a secret of tests only, long enough', ALLOW_PRIVATE_NETWORKS: allowPrivate });
  const facts = () => new WebhookFacts(database.db, new FactsQueries(), new CampaignLifecycle(), clock);
  const dispatcher = (settings = config) => {
    const guard = new OutboundGuard(settings, { resolve: async () => [{ address: '127.0.0.1', family: 4 as const }] });
    const sender = new WebhookSender(new OutboundHttp(guard), new WebhookSecrets(config), clock);
    return new WebhookDispatcher(database.db, new DeliveriesQueries(), endpoints, sender, clock, ids, new SystemRandom());
  };
  const endpoint = async (tenantId: string, path: string, eventTypes: readonly any[] = WEBHOOK_EVENTS, url = receiver.url(path)) => {
    const id = ids.uuid();
    const secret = new WebhookSecrets(config).seal(newWebhookSecret(), tenantId, id);
    const row = { id, url, description: null, eventTypes, enabled: true, secret };
    await database.db.inTenant(tenantId, (tx) => endpoints.insert(tx, tenantId, row, clock.now()));
    return id;
  };
  const told = (endpointId: string) =>
    database.db.asSystem((tx) => rows<Told>(tx, 'SELECT * FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY id', [endpointId]));
  const collectAll = async () => {
    const collector = facts();
    while (await collector.collect());
  };
  /** Sends until nothing is due at this moment. */
  const sendAll = async (by = dispatcher()) => {
    do await by.drain();
    while (await by.sendDue());
    await by.drain();
  };
  const pings = (tenantId: string, endpointId: string, count: number) =>
    database.db.asSystem((tx) =>
      affected(
        tx,
        `INSERT INTO webhook_deliveries (tenant_id, endpoint_id, event_type, fact_key, occurred_at, data, due_at)
         SELECT $1, $2, 'webhook.ping', 'ping:' || i, $3, '{}', $3 FROM generate_series(1, $4::int) i`,
        [tenantId, endpointId, clock.now(), count],
      ),
    );

  it('tell every fact once to whoever subscribes to it, however often it is looked for', async () => {
    const tenantId = await make.tenant();
    const all = await endpoint(tenantId, '/all');
    const clicks = await endpoint(tenantId, '/clicks', ['email.clicked']);
    const campaign = await make.campaign(tenantId, { launchedAt: clock.now() });
    const email = await make.sent(campaign, clock.now());
    for (const type of ['opened', 'clicked', 'bounced']) await make.fact(email, type, clock.now());
    const person = await make.enroll(campaign, { at: clock.now() });
    await make.email(campaign, person, { at: clock.now(), status: 'skipped', reason: 'suppressed' });
    await collectAll();
    await collectAll();
    const types = (list: Told[]) => list.map(({ event_type }) => event_type).sort();
    expect(types(await told(all))).toEqual(
      expect.arrayContaining(['email.bounced', 'email.clicked', 'email.opened', 'email.sent', 'email.skipped']),
    );
    expect(new Set((await told(all)).map(({ fact_key }) => fact_key)).size).toBe((await told(all)).length);
    expect(types(await told(clicks))).toEqual(['email.clicked']);
    const skipped = (await told(all)).find(({ event_type }) => event_type === 'email.skipped');
    expect(skipped?.data).toMatchObject({ campaignId: campaign.campaignId, contactId: person.contactId, reason: 'suppressed' });
    expect(JSON.stringify(await told(all))).not.toContain('example.com');

    // What a slow transaction commits late, with an earlier time, is still found.
    clock.advance({ seconds: 20 });
    await collectAll();
    await make.fact(email, 'complained', clock.advance({ seconds: -15 }));
    clock.advance({ seconds: 15 });
    await collectAll();
    expect(types(await told(all))).toContain('email.complained');
  });

  it('tell of a message that only an event has proved to be sent', async () => {
    const tenantId = await make.tenant();
    const id = await endpoint(tenantId, '/proved', ['email.sent']);
    const campaign = await make.campaign(tenantId, { launchedAt: clock.now() });
    const email = await make.sent(campaign, '2030-01-07T06:00:00Z');
    await make.fact(email, 'delivered', clock.now());
    await collectAll();
    expect(await told(id)).toEqual([]);
    await database.db.asSystem((tx) => affected(tx, 'UPDATE emails SET settled_at = $2 WHERE id = $1', [email.emailId, clock.now()]));
    await collectAll();
    await collectAll();
    expect(await told(id)).toMatchObject([{ event_type: 'email.sent', data: { emailId: email.emailId } }]);
  });

  it('cost nothing and record nothing where nobody subscribes, and keep tenants apart', async () => {
    const [mine, other] = [await make.tenant(), await make.tenant()];
    const campaign = await make.campaign(other, { launchedAt: clock.now() });
    await make.fact(await make.sent(campaign, clock.now()), 'opened', clock.now());
    expect(await facts().collect()).toBe(false);
    const [{ seen }] = await database.db.asSystem((tx) =>
      rows<{ seen: unknown }>(tx, `SELECT min(seen_until)::text AS seen FROM webhook_cursors`),
    );
    expect(seen).toBe('-infinity');
    const id = await endpoint(mine, '/mine');
    await collectAll();
    expect(await told(id)).toEqual([]);
  });

  it('begin with what happens after the endpoint was made', async () => {
    const tenantId = await make.tenant();
    const campaign = await make.campaign(tenantId, { launchedAt: clock.now() });
    const email = await make.sent(campaign, clock.now());
    await make.fact(email, 'opened', clock.now());
    clock.advance({ seconds: 1 });
    const id = await endpoint(tenantId, '/late');
    await collectAll();
    expect(await told(id)).toEqual([]);
  });

  it('are collected in bounded steps without losing any', async () => {
    const tenantId = await make.tenant();
    const id = await endpoint(tenantId, '/many', ['email.opened']);
    const campaign = await make.campaign(tenantId, { launchedAt: clock.now() });
    const { emailId } = await make.sent(campaign, clock.now());
    await database.db.asSystem((tx) =>
      affected(
        tx,
        `INSERT INTO email_events (tenant_id, email_id, campaign_id, type, source, dedupe_key, occurred_at, applied_at)
         SELECT $1, $2, $3, 'opened', 'pixel', 'many' || i, $4, $4 FROM generate_series(1, 4500) i`,
        [tenantId, emailId, campaign.campaignId, clock.now()],
      ),
    );
    expect(await facts().collect()).toBe(true);
    expect(await told(id)).toHaveLength(2000);
    await collectAll();
    expect(await told(id)).toHaveLength(4500);
  });

  it('are not held up by a receiver that never answers, and spare it meanwhile', async () => {
    const tenantId = await make.tenant();
    receiver.answer('/dead', () => 'never');
    const dead = await endpoint(tenantId, '/dead');
    const alive = await endpoint(tenantId, '/alive');
    await database.db.asSystem((tx) => affected(tx, `UPDATE webhook_endpoints SET failing_since = $2 WHERE id = $1`, [dead, clock.now()]));
    await pings(tenantId, dead, 200);
    await pings(tenantId, alive, 50);
    const sender = dispatcher();
    await until(
      async () => {
        await sender.sendDue();
        return (await told(alive)).every(({ status }) => status === 'delivered');
      },
      { deadlineMs: 8_000, what: 'the living receiver to have everything' },
    );
    expect(receiver.at('/dead').length).toBe(1);
    await sender.drain();
    expect((await told(dead)).filter(({ attempts }) => attempts > 0)).toMatchObject([
      { status: 'pending', error: 'no answer within 10000 ms' },
    ]);
  }, 30_000);

  it('never reach an address inside the network, also not through a name', async () => {
    const tenantId = await make.tenant();
    const id = await endpoint(tenantId, '', WEBHOOK_EVENTS, 'https://inside.example/hook');
    await pings(tenantId, id, 1);
    const before = receiver.received.length;
    await sendAll(dispatcher(configOf('false')));
    expect(await told(id)).toMatchObject([
      { status: 'failed', attempts: 1, status_code: null, error: 'inside.example is not on the public Internet' },
    ]);
    expect(receiver.received.length).toBe(before);
  });

  it('are switched off when the receiver says so, or after days of failure, and only then', async () => {
    const tenantId = await make.tenant();
    receiver.answer('/gone', () => ({ status: 410 }));
    receiver.answer('/ill', () => ({ status: 500 }));
    const [gone, ill] = [await endpoint(tenantId, '/gone'), await endpoint(tenantId, '/ill')];
    await pings(tenantId, gone, 1);
    await pings(tenantId, ill, 1);
    await sendAll();
    const state = async (id: string) => database.db.inTenant(tenantId, (tx) => endpoints.find(tx, tenantId, id));
    expect(await state(gone)).toMatchObject({ enabled: false, disabledReason: 'gone' });
    clock.advance({ days: 4 });
    await sendAll();
    expect(await state(ill)).toMatchObject({ enabled: true, disabledReason: null, failingSince: new Date('2030-01-07T08:00:00Z') });
    clock.advance({ days: 2 });
    await sendAll();
    expect(await state(ill)).toMatchObject({ enabled: false, disabledReason: 'failing' });
    expect(receiver.at('/ill')).toHaveLength(3);
  });

  it('survive a process that dies between request and result: sent again under the same id', async () => {
    const tenantId = await make.tenant();
    const id = await endpoint(tenantId, '/crash');
    await pings(tenantId, id, 1);
    const lost = { now: clock.now(), token: ids.uuid(), leaseSeconds: 0.001, limit: 5, perEndpoint: 5, failingLimit: 5, busy: new Map() };
    const [claimed] = await database.db.asSystem((tx) => new DeliveriesQueries().claim(tx, lost));
    await until(async () => {
      await sendAll();
      return receiver.at('/crash').length > 0;
    });
    expect(receiver.at('/crash').map((webhook) => webhook.id)).toEqual([`msg_${claimed.id}`]);
    const late = {
      ...claimed,
      status: 'failed' as const,
      at: clock.now(),
      dueAt: clock.now(),
      statusCode: 500,
      durationMs: 1,
      error: null,
      disable: null,
    };
    expect(await database.db.asSystem((tx) => new DeliveriesQueries().finish(tx, [late]))).toBe(0);
    expect(await told(id)).toMatchObject([{ status: 'delivered', attempts: 2, status_code: 204 }]);
  });
});
