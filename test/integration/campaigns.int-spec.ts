import pg from 'pg';
import { affected, row, type Tx } from '../../src/database/index.js';
import {
  CAMPAIGN_LOCK,
  CampaignLaunchService,
  CampaignLaunchStore,
  CampaignLifecycle,
  CampaignsModule,
  LaunchChecks,
  type Campaign,
  type LaunchFinding,
} from '../../src/modules/campaigns/index.js';
import { addContact, startCampaignsApp, type CampaignsApp, type TestTenant } from '../support/campaigns-app.js';
import { until } from '../support/poll.js';

describe('what the engine asks of campaigns', () => {
  let app: CampaignsApp;
  let tenant: TestTenant;
  let segmentId: string;
  let store: CampaignLaunchStore;
  let findings: LaunchFinding[] = [];
  let frozen: unknown[] = [];
  let freezeFails = false;

  beforeAll(async () => {
    app = await startCampaignsApp([CampaignsModule]);
    store = app.app.get(CampaignLaunchStore);
    tenant = await app.tenant();
    segmentId = await tenant.segment();
    app.app.get(LaunchChecks).register({
      name: 'probe',
      check: async () => findings,
      prepare: async () => ({ findings: [], prepared: 'compiled' }),
      freeze: async (_tx, campaign, prepared) => {
        frozen.push([campaign.status, prepared]);
        if (freezeFails) throw new Error('cannot be frozen');
      },
    });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    [findings, frozen, freezeFails] = [[], [], false];
    app.clock.set('2030-01-01T00:00:00Z');
  });

  const create = async (rest: object = {}): Promise<string> => {
    const settings = { name: 'C', campaignType: 'broadcast', segmentId, fromEmail: 'news@example.com', fromName: 'News', ...rest };
    return (await tenant.call('POST', '/api/campaigns', settings)).body.id;
  };
  const launch = async (rest: object = {}): Promise<string> => {
    const id = await create(rest);
    expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).status).toBe(200);
    return id;
  };
  const read = async (id: string): Promise<Campaign> => (await tenant.call('GET', `/api/campaigns/${id}`)).body.campaign;
  const inTenant = <T>(fn: (tx: Tx) => Promise<unknown>) => app.db.inTenant(tenant.tenantId, fn) as Promise<T>;
  const sql = (text: string, ...params: unknown[]) => inTenant<number>((tx) => affected(tx, text, [tenant.tenantId, ...params]));
  const enrol = async (campaignId: string, status: string): Promise<string> => {
    const contactId = await addContact(
      app,
      tenant.tenantId,
      segmentId,
      `${campaignId}-${status}-${Math.floor(performance.now() * 1000)}@example.com`,
    );
    const made = await inTenant<{ id: string }>((tx) =>
      row(tx, 'INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status) VALUES ($1, $2, $3, $4) RETURNING id', [
        tenant.tenantId,
        campaignId,
        contactId,
        status,
      ]),
    );
    return made.id;
  };
  const mail = async (campaignId: string, enrollmentId: string, status: string): Promise<void> => {
    await sql(
      `WITH step AS (INSERT INTO campaign_steps (tenant_id, campaign_id, step_order, step_type)
                     VALUES ($1, $2, 1 + (SELECT count(*) FROM campaign_steps WHERE tenant_id = $1 AND campaign_id = $2), 'email') RETURNING id)
       INSERT INTO emails (tenant_id, campaign_id, step_id, contact_id, enrollment_id, status, reason, due_at, lease_token, lease_expires_at, sent_at)
       SELECT $1, $2, step.id, e.contact_id, e.id, $4::text, 'test', now(), gen_random_uuid(), now(), CASE WHEN $4 = 'sent' THEN now() END
         FROM step, campaign_contacts e WHERE e.tenant_id = $1 AND e.id = $3`,
      campaignId,
      enrollmentId,
      status,
    );
  };

  describe('a launch', () => {
    it('freezes what its checks have prepared, and is undone as a whole if one of them cannot', async () => {
      const id = await create();
      freezeFails = true;
      expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).status).toBe(500);
      expect(await read(id)).toMatchObject({ status: 'draft', launchState: 'none', launchedAt: null });
      freezeFails = false;
      expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).status).toBe(200);
      expect(frozen).toEqual([
        ['active', 'compiled'],
        ['active', 'compiled'],
      ]);
    });

    it('is refused by any check of any module, warnings aside', async () => {
      const id = await create();
      findings = [{ severity: 'warning', code: 'odd', message: 'Odd.' }];
      expect((await tenant.call('GET', `/api/campaigns/${id}/preflight`)).body).toMatchObject({ ready: true, errors: [] });
      findings = [{ severity: 'error', code: 'not_approved', message: 'Not approved.', path: 'approvals' }];
      const refused = await tenant.call('POST', `/api/campaigns/${id}/launch`);
      expect([refused.status, refused.body.errors]).toEqual([422, [{ path: 'approvals', code: 'not_approved', message: 'Not approved.' }]]);
      expect(frozen).toEqual([]);
    });

    it('warns of a segment in which nobody can be written to', async () => {
      const empty = await tenant.segment();
      const id = await create({ segmentId: empty });
      const codes = async () =>
        (await tenant.call('GET', `/api/campaigns/${id}/preflight`)).body.warnings
          .filter(({ path }: LaunchFinding) => path === 'segmentId')
          .map(({ code }: LaunchFinding) => code);
      expect(await codes()).toEqual(['audience_empty']);
      const contactId = await addContact(app, tenant.tenantId, empty, 'somebody@example.com');
      expect(await codes()).toEqual([]);
      await sql('UPDATE contacts SET subscribed = false, unsubscribed_at = now() WHERE tenant_id = $1 AND id = $2', contactId);
      expect(await codes()).toEqual(['audience_empty']);
    });
  });

  describe('a scheduled launch', () => {
    const due = async () => (await app.db.asSystem((tx) => store.listDueToStart(tx, app.clock.now(), 10))).map(({ id }) => id);
    const scheduled = async () => {
      const id = await create({ startDate: '2030-01-02T00:00:00Z' });
      expect((await tenant.call('POST', `/api/campaigns/${id}/schedule`)).status).toBe(200);
      return id;
    };

    it('comes due at its start date, not before, and begins once', async () => {
      const id = await scheduled();
      expect(await due()).not.toContain(id);
      app.clock.set('2030-01-02T00:00:00Z');
      expect(await due()).toContain(id);
      const service = app.app.get(CampaignLaunchService);
      const launched = await service.launchScheduled(tenant.tenantId, id);
      expect(launched).toMatchObject({ status: 'active', launchState: 'enrolling' });
      expect(await service.launchScheduled(tenant.tenantId, id)).toBeNull();
      expect(await due()).not.toContain(id);
    });

    it('that its checks refuse becomes a draft again and says why, instead of being tried for ever', async () => {
      const id = await scheduled();
      app.clock.set('2030-01-02T00:00:01Z');
      findings = [{ severity: 'error', code: 'not_approved', message: 'Not approved any more.' }];
      expect(await app.app.get(CampaignLaunchService).launchScheduled(tenant.tenantId, id)).toBeNull();
      expect(await read(id)).toMatchObject({ status: 'draft', launchState: 'failed', launchError: 'Not approved any more.' });
      expect(await due()).not.toContain(id);
      findings = [];
      expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).body.campaign).toMatchObject({
        launchState: 'enrolling',
        launchError: null,
      });
    });
  });

  describe('enrolment', () => {
    it('is handed over by the row, adds up chunk by chunk, and ends', async () => {
      const id = await launch();
      const enrolling = async () => (await app.db.asSystem((tx) => store.listEnrolling(tx, 1000))).map((campaign) => campaign.id);
      expect(await enrolling()).toContain(id);
      const cursor = await addContact(app, tenant.tenantId, segmentId, `cursor-${id}@example.com`);
      const report = (enrolled: number, state: 'enrolling' | 'enrolled', total?: number) =>
        inTenant((tx) =>
          store.recordEnrollProgress(tx, tenant.tenantId, id, { cursor: state === 'enrolling' ? cursor : null, enrolled, state, total }),
        );
      await report(10, 'enrolling', 25);
      expect(await read(id)).toMatchObject({ totalContacts: 10, enrollment: { state: 'enrolling', enrolled: 10, total: 25 } });
      await tenant.call('POST', `/api/campaigns/${id}/pause`);
      expect(await enrolling()).not.toContain(id);
      await tenant.call('POST', `/api/campaigns/${id}/resume`);
      await report(12, 'enrolled');
      expect(await read(id)).toMatchObject({ totalContacts: 22, enrollment: { state: 'enrolled', enrolled: 22, total: 22 } });
      await report(5, 'enrolled');
      expect((await read(id)).totalContacts).toBe(22);
      expect(await enrolling()).not.toContain(id);
    });
  });

  describe('completion', () => {
    const complete = (id: string) => inTenant<boolean>((tx) => store.complete(tx, tenant.tenantId, id, app.clock.now()));
    const done = (id: string) =>
      inTenant((tx) => store.recordEnrollProgress(tx, tenant.tenantId, id, { cursor: null, enrolled: 0, state: 'enrolled' }));

    it('waits for the enrolment, for every contact and for every message (I5)', async () => {
      const id = await launch();
      expect(await complete(id)).toBe(false);
      await done(id);
      const enrollmentId = await enrol(id, 'enrolled');
      for (const status of ['enrolled', 'active', 'paused']) {
        await sql('UPDATE campaign_contacts SET status = $3 WHERE tenant_id = $1 AND id = $2', enrollmentId, status);
        expect([status, await complete(id)]).toEqual([status, false]);
      }
      await sql(`UPDATE campaign_contacts SET status = 'completed', completed_at = now() WHERE tenant_id = $1 AND id = $2`, enrollmentId);
      for (const status of ['queued', 'sending', 'unknown']) {
        await mail(id, enrollmentId, status);
        expect([status, await complete(id)]).toEqual([status, false]);
        await sql(`UPDATE emails SET status = 'failed', settled_at = now() WHERE tenant_id = $1 AND campaign_id = $2`, id);
      }
      expect(await complete(id)).toBe(true);
      expect(await read(id)).toMatchObject({ status: 'completed', completedAt: app.clock.now().toISOString() });
      expect(await complete(id)).toBe(false);
    });

    it('leaves a paused campaign alone until its end date', async () => {
      const id = await launch({ endDate: '2030-01-03T00:00:00Z' });
      await done(id);
      await tenant.call('POST', `/api/campaigns/${id}/pause`);
      expect(await complete(id)).toBe(false);
      app.clock.set('2030-01-03T00:00:00Z');
      expect((await app.db.asSystem((tx) => store.listEnded(tx, app.clock.now(), 10))).map((campaign) => campaign.id)).toEqual([id]);
      expect(await complete(id)).toBe(true);
      expect(await read(id)).toMatchObject({ status: 'completed', pausedAt: null });
    });
  });

  describe('pausing', () => {
    it('waits for a message that is passing the gate, and counts what is with the provider (I3)', async () => {
      const id = await launch();
      await mail(id, await enrol(id, 'active'), 'sending');
      const gate = new pg.Client({ connectionString: (app.db.dataSource.options as { url: string }).url });
      await gate.connect();
      try {
        await gate.query('BEGIN');
        await gate.query('SELECT pg_advisory_xact_lock_shared($1::int, hashtext($2::text))', [CAMPAIGN_LOCK, id]);
        let answered = false;
        const pause = tenant.call('POST', `/api/campaigns/${id}/pause`).finally(() => (answered = true));
        await until(
          async () => (await gate.query('SELECT 1 FROM pg_locks WHERE locktype = $1 AND NOT granted', ['advisory'])).rowCount === 1,
          { what: 'the pause to wait at the gate' },
        );
        expect(answered).toBe(false);
        await gate.query('COMMIT');
        expect((await pause).body).toMatchObject({
          success: true,
          inFlight: 1,
          campaign: { status: 'paused', pausedAt: app.clock.now().toISOString() },
        });
      } finally {
        await gate.end();
      }
    });

    it('and resuming tell listeners how long it was; a listener that fails undoes the change', async () => {
      const id = await launch();
      const heard: unknown[] = [];
      app.app.get(CampaignLifecycle).on('resumed', async (_tx, campaign, detail) => {
        heard.push([campaign.id, campaign.status, detail]);
        if (detail.policy === 'catch_up') throw new Error('cannot');
      });
      await tenant.call('POST', `/api/campaigns/${id}/pause`);
      const pausedAt = app.clock.now();
      const at = app.clock.advance({ hours: 5 });
      expect((await tenant.call('POST', `/api/campaigns/${id}/resume`)).status).toBe(500);
      expect((await read(id)).status).toBe('paused');
      expect((await tenant.call('POST', `/api/campaigns/${id}/resume`, { policy: 'sprint' })).status).toBe(400);
      expect((await tenant.call('POST', `/api/campaigns/${id}/resume`, { policy: 'shift' })).body.campaign).toMatchObject({
        status: 'active',
        pausedAt: null,
      });
      expect(heard.at(-1)).toEqual([id, 'active', { at, policy: 'shift', pausedAt }]);
    });
  });
});
