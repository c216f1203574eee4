import { loadConfig } from '../../src/config/index.js';
import { affected, rows } from '../../src/database/index.js';
import { StepCallDispatcher } from '../../src/modules/execution/index.js';
import { StepCallSender } from '../../src/modules/execution/step-call-sender.js';
import { StepCallsQueries } from '../../src/modules/execution/step-calls.queries.js';
import { SystemIds } from '../../src/shared/ids.js';
import { OutboundGuard, OutboundHttp } from '../../src/shared/outbound/index.js';
import { SystemRandom } from '../../src/shared/random.js';
import { SecretBox } from '../../src/shared/secret-box.js';
import { Factory, type MadeCampaign } from '../support/factories.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../support/poll.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

interface Call {
  id: string;
  status: string;
  attempts: number;
  status_code: number | null;
  error: string | null;
}

/** What a flow calls out of itself, without the flow: rows that are due, and real requests. */
describe('calls of webhook steps', () => {
  let database: OpenTestDatabase;
  let make: Factory;
  let receiver: WebhookReceiver;
  let clock: FakeClock;
  const queries = new StepCallsQueries();
  const ids = new SystemIds();

  beforeAll(async () => {
    database = await openTestDatabase();
    receiver = await WebhookReceiver.start();
  });
  afterAll(async () => {
    await receiver?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    clock = new FakeClock('2030-01-07T08:00:00Z');
    make = new Factory(database.db);
    await database.db.asSystem((tx) => affected(tx, 'DELETE FROM step_calls'));
  });

  const system = <T>(sql: string, params: unknown[]) => database.db.asSystem((tx) => rows<T>(tx, sql, params));
  const dispatcher = (allowPrivate = 'true') => {
    const env = { DATABASE_URL: database.url, APP_SECRET: 'a secret of tests only, long enough', ALLOW_PRIVATE_NETWORKS: allowPrivate };
    const config = loadConfig(env);
    const guard = new OutboundGuard(config, { resolve: async () => [{ address: '127.0.0.1', family: 4 as const }] });
    const sender = new StepCallSender(new OutboundHttp(guard), new SecretBox(config), clock);
    return new StepCallDispatcher(database.db, queries, sender, clock, ids, new SystemRandom());
  };
  /** A campaign whose only step calls this path, and people who have got there. */
  const campaign = async (url: string, people: number, tenantId?: string): Promise<MadeCampaign> => {
    const made = await make.campaign(tenantId ?? (await make.tenant()), { launchedAt: clock.now(), steps: [{ type: 'action' }] });
    await system('UPDATE campaign_steps SET action_config = $2 WHERE id = $1', [made.stepIds[0], { type: 'webhook', url }]);
    await reach(made, people);
    return made;
  };
  const reach = async (made: MadeCampaign, people: number) => {
    const { tenantId, campaignId, stepIds } = made;
    const reached: { enrollmentId: string; entryNumber: number }[] = [];
    for (let i = 0; i < people; i++) reached.push({ ...(await make.enroll(made, { at: clock.now() })), entryNumber: 1 });
    const record = (stepId: string) =>
      database.db.inTenant(tenantId, (tx) => queries.record(tx, tenantId, { campaignId, stepId, reached, now: clock.now() }));
    // The engine may come to a batch twice when a worker dies; and an edit may bring people to a newer version of the same step.
    const [newer] = await system<{ id: string }>(
      `INSERT INTO campaign_steps (tenant_id, campaign_id, version, step_order, step_type, action_config, lineage_id)
       SELECT tenant_id, campaign_id, 2, 1, 'action', action_config, lineage_id FROM campaign_steps WHERE id = $1 RETURNING id`,
      [stepIds[0]],
    );
    expect([await record(stepIds[0]), await record(stepIds[0]), await record(newer.id)]).toEqual([people, 0, 0]);
  };
  const calls = ({ campaignId }: MadeCampaign) => system<Call>('SELECT * FROM step_calls WHERE campaign_id = $1 ORDER BY id', [campaignId]);
  const sendAll = async (...by: StepCallDispatcher[]) => {
    for (const one of by) {
      do await one.drain();
      while (await one.sendDue());
      await one.drain();
    }
  };

  it('are made once each, by however many workers, with a key that stays the same', async () => {
    receiver.answer('/busy', (nth) => ({ status: nth <= 5 ? 503 : 200 }));
    const made = await campaign(receiver.url('/busy'), 20);
    const [one, two] = [dispatcher(), dispatcher()];
    await Promise.all([sendAll(one), sendAll(two)]);
    expect(receiver.at('/busy')).toHaveLength(20);
    expect((await calls(made)).filter(({ status }) => status === 'pending')).toHaveLength(5);
    clock.advance({ seconds: 7 });
    await sendAll(one, two);
    const keys = receiver.at('/busy').map(({ headers }) => headers['idempotency-key']);
    expect([keys.length, new Set(keys).size]).toEqual([25, 20]);
    expect(new Set((await calls(made)).map(({ status }) => status))).toEqual(new Set(['delivered']));
    const [{ body, headers, id }] = receiver.at('/busy');
    expect(id).toBe(`msg_${headers['idempotency-key']}`);
    expect(headers['webhook-signature']).toBeUndefined();
    expect(body).toMatchObject({ type: 'campaign.step_reached', timestamp: '2030-01-07T08:00:00.000Z' });
    expect(body.data.campaign).toEqual({ id: made.campaignId, name: 'Spring' });
    expect(body.data.contact.email).toMatch(/^person\d+@example\.com$/);
  });

  it('go again under the same key when a worker dies with one in its hands', async () => {
    const made = await campaign(receiver.url('/crash'), 1);
    const lost = { now: clock.now(), token: ids.uuid(), leaseSeconds: 0.001, limit: 5, perStep: 5, failingLimit: 5, failing: [] };
    const [claimed] = await database.db.asSystem((tx) => queries.claim(tx, { ...lost, busy: new Map() }));
    const by = dispatcher();
    await until(async () => {
      await sendAll(by);
      return receiver.at('/crash').length > 0;
    });
    expect(receiver.at('/crash').map(({ headers }) => headers['idempotency-key'])).toEqual([claimed.id]);
    const late = {
      ...claimed,
      status: 'failed' as const,
      at: clock.now(),
      dueAt: clock.now(),
      statusCode: 500,
      durationMs: 1,
      error: null,
    };
    expect(await database.db.asSystem((tx) => queries.finish(tx, [late]))).toBe(0);
    expect(await calls(made)).toMatchObject([{ status: 'delivered', attempts: 2 }]);
  });

  it('wait while their campaign is paused, and are not held up by a receiver that refuses, nor by one tenant with many', async () => {
    receiver.answer('/dead', () => ({ status: 500 }));
    const tenantId = await make.tenant();
    const many: MadeCampaign[] = [];
    for (let i = 0; i < 3; i++) many.push(await campaign(receiver.url('/dead'), 12, tenantId));
    const paused = await campaign(receiver.url('/paused'), 1);
    await system(`UPDATE campaigns SET status = 'paused', paused_at = now() WHERE id = $1`, [paused.campaignId]);
    clock.advance({ seconds: 1 });
    const small = await campaign(receiver.url('/small'), 2);
    const by = dispatcher();
    await by.sendDue();
    await by.drain();
    // In the first round already, although 36 calls of another tenant have waited longer.
    expect(receiver.at('/small')).toHaveLength(2);
    await by.sendDue();
    await by.drain();
    // 8 for each step, and once it has failed one at a time.
    expect(receiver.at('/dead')).toHaveLength(3 * 8 + 3);
    expect(await calls(small)).toMatchObject([{ status: 'delivered' }, { status: 'delivered' }]);
    expect(await calls(paused)).toMatchObject([{ status: 'pending', attempts: 0 }]);
    await system(`UPDATE campaigns SET status = 'active', paused_at = NULL WHERE id = $1`, [paused.campaignId]);
    await by.sendDue();
    await by.drain();
    expect(receiver.at('/paused')).toHaveLength(1);
  });

  it('end: for good where the address is inside the network or takes nothing for days, and unmade for erased contacts and cancelled campaigns', async () => {
    const inside = await campaign('https://inside.example/hook', 1);
    await sendAll(dispatcher('false'));
    expect(await calls(inside)).toMatchObject([{ status: 'failed', attempts: 1, error: 'inside.example is not on the public Internet' }]);

    receiver.answer('/gone', () => ({ status: 410 }));
    const gone = await campaign(receiver.url('/gone'), 12);
    const erased = await campaign(receiver.url('/erased'), 1);
    await system('UPDATE contacts SET deleted_at = now() WHERE tenant_id = $1', [erased.tenantId]);
    const cancelled = await campaign(receiver.url('/cancelled'), 3);
    const cancel = () =>
      database.db.inTenant(cancelled.tenantId, (tx) =>
        queries.cancel(tx, cancelled.tenantId, cancelled.campaignId, 'campaign_cancelled', 2),
      );
    expect([await cancel(), await cancel(), await cancel()]).toEqual([2, 1, 0]);
    clock.advance({ days: 6 });
    const by = dispatcher();
    await by.sendDue();
    await by.drain();
    expect(receiver.at('/gone')).toHaveLength(8);
    const ended = await calls(gone);
    expect(ended.filter(({ status_code, status }) => status_code === 410 && status === 'failed')).toHaveLength(8);
    expect(ended.filter(({ attempts, error }) => attempts === 0 && error === 'the receiver has taken nothing for 5 days')).toHaveLength(4);
    expect(await calls(erased)).toMatchObject([{ status: 'cancelled', error: 'contact_erased' }]);
    expect(await calls(cancelled)).toMatchObject(Array(3).fill({ status: 'cancelled', error: 'campaign_cancelled', attempts: 0 }));
    expect(receiver.received.filter(({ path }) => path === '/erased' || path === '/cancelled')).toEqual([]);
  });
});
