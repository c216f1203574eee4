import { affected, row } from '../../src/database/index.js';
import { CampaignsModule } from '../../src/modules/campaigns/index.js';
import { startCampaignsApp, type CampaignsApp, type TestTenant } from '../support/campaigns-app.js';

const STATUSES = ['draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled'] as const;
type Status = (typeof STATUSES)[number];
const UNKNOWN = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';

describe('campaigns over HTTP', () => {
  let app: CampaignsApp;
  let tenant: TestTenant;
  let other: TestTenant;
  let segmentId: string;

  beforeAll(async () => {
    app = await startCampaignsApp([CampaignsModule]);
    [tenant, other] = [await app.tenant(), await app.tenant()];
    segmentId = await tenant.segment();
  });
  afterAll(() => app.close());

  const complete = () => ({ name: 'Spring', campaignType: 'broadcast', segmentId, fromEmail: 'news@example.com', fromName: 'News' });
  const create = async (rest: object = {}): Promise<{ id: string }> => {
    const { status, body } = await tenant.call('POST', '/api/campaigns', { ...complete(), ...rest });
    expect({ status, errors: body.errors }).toEqual({ status: 201, errors: undefined });
    return body;
  };
  const force = (id: string, status: Status) =>
    app.db.inTenant(tenant.tenantId, (tx) =>
      affected(
        tx,
        `UPDATE campaigns SET status = $3::text, start_date = CASE WHEN $3 = 'scheduled' THEN '2030-02-01Z'::timestamptz END,
                launched_at = CASE WHEN $3 IN ('draft', 'scheduled') THEN NULL ELSE '2029-12-01Z'::timestamptz END,
                paused_at = CASE WHEN $3 = 'paused' THEN '2029-12-02Z'::timestamptz END,
                completed_at = CASE WHEN $3 = 'completed' THEN '2029-12-03Z'::timestamptz END
          WHERE tenant_id = $1 AND id = $2`,
        [tenant.tenantId, id, status],
      ),
    );

  it('are created as drafts with what was given, and defaults for the rest', async () => {
    const { status, body } = await tenant.call('POST', '/api/campaigns', {
      ...complete(),
      startDate: '2030-03-31T02:30:00+01:00',
      sendStrategy: 'scheduled',
      trackOpens: false,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ...complete(),
      tenantId: tenant.tenantId,
      status: 'draft',
      startDate: '2030-03-31T01:30:00.000Z',
      sendStrategy: 'scheduled',
      timezone: 'Europe/Berlin',
      category: 'marketing',
      trackOpens: false,
      trackClicks: true,
      unsubscribeEnabled: true,
      launchState: 'none',
      enrollment: { state: 'none', enrolled: 0, total: null },
    });
    expect(body.createdBy).toEqual(expect.any(String));
    expect(body).not.toHaveProperty('enrollCursor');
    const detail = await tenant.call('GET', `/api/campaigns/${body.id}`);
    expect(detail.body).toEqual({ campaign: body, steps: [], analytics: null });
  });

  it('are listed newest first, page by page, and filtered', async () => {
    const mine = await app.tenant();
    const made: string[] = [];
    for (const name of ['Alpha', 'Beta 100%', 'alphabet']) {
      const { body } = await mine.call('POST', '/api/campaigns', { name, campaignType: name === 'alphabet' ? 'drip' : 'broadcast' });
      made.unshift(body.id);
    }
    const first = await mine.call('GET', '/api/campaigns?limit=2');
    const second = await mine.call('GET', `/api/campaigns?limit=2&cursor=${first.body.nextCursor}`);
    expect([...first.body.data, ...second.body.data].map(({ id }: { id: string }) => id)).toEqual(made);
    expect(second.body.nextCursor).toBeNull();
    const names = async (query: string) =>
      (await mine.call('GET', `/api/campaigns?${query}`)).body.data.map(({ name }: { name: string }) => name);
    expect(await names('q=ALPHA')).toEqual(['alphabet', 'Alpha']);
    expect(await names('q=%25')).toEqual(['Beta 100%']);
    expect(await names('type=drip')).toEqual(['alphabet']);
    expect(await names('status=draft,active&type=broadcast')).toEqual(['Beta 100%', 'Alpha']);
    expect(await names('status=active')).toEqual([]);
  });

  it.each([
    ['an empty body', {}, ['name', 'campaignType']],
    [
      'what only the server decides',
      { status: 'active', tenantId: UNKNOWN, createdBy: UNKNOWN, totalContacts: 5 },
      ['status', 'tenantId', 'createdBy', 'totalContacts'],
    ],
    ['a blank name', { name: '   ' }, ['name']],
    ['a name one character too long', { name: 'x'.repeat(256) }, ['name']],
    ['a line break in what becomes a header', { fromName: 'News\r\nBcc: all@example.com' }, ['fromName']],
    ['a list of addresses', { fromEmail: 'a@example.com, b@example.com' }, ['fromEmail']],
    ['a display name in an address', { replyToEmail: 'News <news@example.com>' }, ['replyToEmail']],
    ['an unknown zone', { timezone: 'Mars/Olympus' }, ['timezone']],
    ['null where a value is needed', { timezone: null, trackOpens: null }, ['timezone', 'trackOpens']],
    ['a date without an offset', { startDate: '2030-03-31T02:30:00' }, ['startDate']],
    ['a date that does not exist', { endDate: '2030-02-30T00:00:00Z' }, ['endDate']],
    ['an id that is none', { segmentId: 'everybody' }, ['segmentId']],
    ['a type that is none', { campaignType: 'spam' }, ['campaignType']],
  ])('refuse %s and say where (400)', async (_what, faulty, paths) => {
    const body = paths.includes('campaignType') && !('campaignType' in faulty) ? faulty : { ...complete(), ...faulty };
    const answer = await tenant.call('POST', '/api/campaigns', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual([...paths].sort());
  });

  it('refuse a segment of another tenant exactly as one that does not exist, and an end before the start (422)', async () => {
    const foreign = await tenant.call('POST', '/api/campaigns', { ...complete(), segmentId: await other.segment() });
    const unknown = await tenant.call('POST', '/api/campaigns', { ...complete(), segmentId: UNKNOWN });
    expect(foreign.status).toBe(422);
    expect(foreign.body.errors).toEqual([{ path: 'segmentId', code: 'segment_not_found', message: 'There is no such segment.' }]);
    expect({ ...foreign.body, instance: null }).toEqual({ ...unknown.body, instance: null });
    const dates = await tenant.call('POST', '/api/campaigns', {
      ...complete(),
      startDate: '2030-03-02T00:00:00Z',
      endDate: '2030-03-02T00:00:00Z',
    });
    expect([dates.status, dates.body.errors[0].path]).toEqual([422, 'endDate']);
  });

  it('change only by what is given, and not over somebody else’s change (412)', async () => {
    const { id } = await create({ description: 'first' });
    const { etag } = await tenant.call('GET', `/api/campaigns/${id}`);
    const changed = await tenant.call('PATCH', `/api/campaigns/${id}`, { description: null, name: 'Renamed' }, { 'if-match': etag! });
    expect(changed.body).toMatchObject({ description: null, name: 'Renamed', fromName: 'News' });
    const stale = await tenant.call('PATCH', `/api/campaigns/${id}`, { name: 'Lost update' }, { 'if-match': etag! });
    expect(stale.status).toBe(412);
    const nulls = await tenant.call('PATCH', `/api/campaigns/${id}`, { name: null, campaignType: null, timezone: null });
    expect([nulls.status, nulls.body.errors.length]).toEqual([400, 3]);
    const fresh = await tenant.call('PATCH', `/api/campaigns/${id}`, { name: 'Again' }, { 'if-match': changed.etag! });
    expect(fresh.body.name).toBe('Again');
  });

  it('of another tenant are not there, on any route', async () => {
    const { id } = await create();
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { name: 'Mine now' }],
      ['DELETE', ''],
      ['POST', '/clone', {}],
      ['GET', '/preflight'],
      ...['launch', 'schedule', 'unschedule', 'pause', 'resume', 'close-enrollment', 'cancel'].map(
        (action) => ['POST', `/${action}`, {}] as const,
      ),
    ] as const) {
      const foreign = await other.call(method, `/api/campaigns/${id}${path}`, body);
      const unknown = await other.call(method, `/api/campaigns/${UNKNOWN}${path}`, body);
      expect([method, path, foreign.status]).toEqual([method, path, 404]);
      expect({ ...foreign.body, instance: null }).toEqual({ ...unknown.body, instance: null });
      expect((await other.call(method, `/api/campaigns/not-an-id${path}`, body)).status).toBe(400);
    }
    expect((await tenant.call('GET', `/api/campaigns/${id}`)).body.campaign.name).toBe('Spring');
  });

  describe('in every status', () => {
    const allowed: Record<string, Status[]> = {
      'POST launch': ['draft', 'scheduled'],
      'POST schedule': ['draft'],
      'POST unschedule': ['scheduled'],
      'POST pause': ['active'],
      'POST resume': ['paused'],
      'POST cancel': ['scheduled', 'active', 'paused'],
      'POST clone': [...STATUSES],
      'GET preflight': [...STATUSES],
      'PATCH ': ['draft', 'scheduled'],
      'DELETE ': ['draft'],
    };
    const cases = Object.keys(allowed).flatMap((action) => STATUSES.map((status) => [action, status] as const));

    it.each(cases)('%s of one that is %s', async (action, status) => {
      const { id } = await create({ startDate: '2030-02-01T00:00:00Z' });
      if (status !== 'draft') await force(id, status);
      const [method, path] = action.split(' ') as ['GET' | 'POST' | 'PATCH' | 'DELETE', string];
      const answer = await tenant.call(
        method,
        `/api/campaigns/${id}${path && `/${path}`}`,
        method === 'PATCH' ? { name: 'New' } : undefined,
      );
      const after = await tenant.call('GET', `/api/campaigns/${id}`);
      if (allowed[action].includes(status)) {
        expect(answer.status).toBeLessThan(300);
        return;
      }
      expect([answer.status, answer.body.currentStatus]).toEqual([409, status]);
      expect(after.body.campaign).toMatchObject({ status, name: 'Spring' });
    });
  });

  describe('a launch', () => {
    it('of 50 at once succeeds once: the others are told that it is active (409)', async () => {
      const { id } = await create();
      const answers = await Promise.all(Array.from({ length: 50 }, () => tenant.call('POST', `/api/campaigns/${id}/launch`, {})));
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      expect(winners[0].body).toMatchObject({
        success: true,
        campaign: { id, status: 'active', launchState: 'enrolling', launchedAt: app.clock.now().toISOString() },
      });
      for (const { status, body } of answers.filter((answer) => answer !== winners[0])) {
        expect([status, body.currentStatus]).toEqual([409, 'active']);
      }
      const audit = await app.db.inTenant(tenant.tenantId, (tx) =>
        row<{ count: number }>(
          tx,
          `SELECT count(*)::int AS count FROM audit_log WHERE tenant_id = $1 AND entity_id = $2 AND action = 'campaign.launched'`,
          [tenant.tenantId, id],
        ),
      );
      expect(audit!.count).toBe(1);
    });

    it('that cannot be is refused with everything that is missing, and changes nothing (422)', async () => {
      const poor = await app.tenant(null);
      const { body: campaign } = await poor.call('POST', '/api/campaigns', {
        name: 'X',
        campaignType: 'broadcast',
        unsubscribeEnabled: false,
      });
      const answer = await poor.call('POST', `/api/campaigns/${campaign.id}/launch`);
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`)).toEqual([
        'segmentId segment_missing',
        'fromEmail from_email_missing',
        'fromName from_name_missing',
        'unsubscribeEnabled unsubscribe_required',
        'tenant.postalAddress postal_address_missing',
      ]);
      expect((await poor.call('GET', `/api/campaigns/${campaign.id}`)).body.campaign).toEqual(campaign);
      const preflight = await poor.call('GET', `/api/campaigns/${campaign.id}/preflight`);
      expect(preflight.body).toMatchObject({
        ready: false,
        errors: expect.arrayContaining([expect.objectContaining({ code: 'segment_missing' })]),
      });
    });

    it('never begins at once because a date was forgotten or has passed, unless that is confirmed', async () => {
      const { id } = await create({ sendStrategy: 'scheduled', startDate: '2029-12-31T23:00:00Z' });
      expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).body.errors[0].code).toBe('start_in_past');
      expect((await tenant.call('POST', `/api/campaigns/${id}/launch`, { confirmPastStart: 'yes' })).status).toBe(400);
      expect((await tenant.call('POST', `/api/campaigns/${id}/launch`, { confirmPastStart: true })).status).toBe(200);
    });
  });

  describe('a scheduled campaign', () => {
    it('needs a start date in the future, now and after every change', async () => {
      const { id } = await create();
      expect((await tenant.call('POST', `/api/campaigns/${id}/schedule`)).body.errors[0].code).toBe('start_date_missing');
      await tenant.call('PATCH', `/api/campaigns/${id}`, { startDate: '2030-02-01T00:00:00Z' });
      const scheduled = await tenant.call('POST', `/api/campaigns/${id}/schedule`);
      expect(scheduled.body.campaign.status).toBe('scheduled');
      expect((await tenant.call('PATCH', `/api/campaigns/${id}`, { startDate: null })).status).toBe(422);
      expect((await tenant.call('PATCH', `/api/campaigns/${id}`, { startDate: '2029-02-01T00:00:00Z' })).status).toBe(422);
      expect((await tenant.call('PATCH', `/api/campaigns/${id}`, { name: 'Later' })).status).toBe(200);
      expect((await tenant.call('POST', `/api/campaigns/${id}/unschedule`)).body.campaign.status).toBe('draft');
    });
  });

  describe('a clone', () => {
    it('takes the settings, not the past', async () => {
      const { id } = await create({
        name: 'Winter',
        startDate: '2029-01-01T00:00:00Z',
        endDate: '2031-01-01T00:00:00Z',
        unknownPolicy: 'resend',
      });
      await force(id, 'completed');
      const { status, body } = await tenant.call('POST', `/api/campaigns/${id}/clone`);
      expect(status).toBe(201);
      expect(body).toMatchObject({
        name: 'Winter (copy)',
        status: 'draft',
        segmentId,
        unknownPolicy: 'resend',
        startDate: null,
        endDate: '2031-01-01T00:00:00.000Z',
        launchedAt: null,
        completedAt: null,
        totalContacts: 0,
        launchState: 'none',
      });
      expect((await tenant.call('POST', `/api/campaigns/${body.id}/clone`)).body.name).toBe('Winter (copy 2)');
      expect((await tenant.call('POST', `/api/campaigns/${id}/clone`, { name: 'Autumn' })).body.name).toBe('Autumn');
    });
  });
});
