import { affected, rows } from '../../src/database/index.js';
import { CampaignsModule } from '../../src/modules/campaigns/index.js';
import { ExchangeModule } from '../../src/modules/exchange/index.js';
import { StepsModule } from '../../src/modules/steps/index.js';
import { startCampaignsApp, type CampaignsApp, type TestTenant } from '../support/campaigns-app.js';

const UNKNOWN = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
const EMAIL = { stepType: 'email', subjectLine: 'Hi {{ contact.first_name }}', emailContent: '<p>Hello "you"</p>' };
const TEMPLATE = {
  name: 'Welcome',
  subjectLine: 'Welcome',
  contentFormat: 'html',
  content: '<p>Hello {{ contact.first_name | default: "you" }}</p>',
};
const MINIMAL = {
  format: 'campaign-engine/campaign',
  version: 1,
  campaign: { name: 'Small', campaignType: 'drip' },
  steps: [{ ref: 'hi', ...EMAIL }],
};

describe('campaigns as files over HTTP', () => {
  let app: CampaignsApp;
  let tenant: TestTenant;
  let other: TestTenant;

  beforeAll(async () => {
    app = await startCampaignsApp([CampaignsModule, StepsModule, ExchangeModule]);
    [tenant, other] = [await app.tenant(), await app.tenant()];
  });
  afterAll(() => app.close());

  const must = async (who: TestTenant, method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: unknown) => {
    const answer = await who.call(method, path, body);
    expect({ path, status: answer.status, errors: answer.body.errors ?? [] }).toMatchObject({ path, errors: [] });
    return answer.body;
  };
  const exported = (who: TestTenant, id: string) => must(who, 'GET', `/api/campaigns/${id}/export`);
  const textOf = (file: unknown) => JSON.stringify(file);
  const account = (who: TestTenant, name: string) =>
    app.db.inTenant(who.tenantId, (tx) =>
      rows(tx, `INSERT INTO provider_accounts (tenant_id, name, kind, settings) VALUES ($1, $2, 'smtp', '{}') RETURNING id`, [who.tenantId, name]),
    ).then(([made]) => (made as { id: string }).id); // prettier-ignore

  /** A campaign with everything that refers to something. */
  async function rich(): Promise<string> {
    const segment = async (name: string, rules?: unknown) =>
      (await must(tenant, 'POST', '/api/segments', rules ? { name, type: 'dynamic', rules } : { name, type: 'static' })).id as string;
    const list = await segment('VIP list');
    const pro = await segment('Pro', { type: 'contact_attribute', attribute: 'plan', operator: 'in', value: ['pro', 7] });
    const audience = await segment('Audience', {
      all: [{ type: 'segment', segmentId: pro }, { not: { type: 'segment', segmentId: list } }],
    });
    const template = (await must(tenant, 'POST', '/api/templates', TEMPLATE)).id;
    const winBack = (await must(tenant, 'POST', '/api/campaigns', { name: 'Win back', campaignType: 'triggered' })).id;
    const { id } = await must(tenant, 'POST', '/api/campaigns', {
      name: 'Spring', campaignType: 'triggered', segmentId: audience, fromEmail: 'news@example.com', fromName: 'News', endDate: '2030-02-01T00:00:00Z',
      providerAccountId: await account(tenant, 'Main'), trigger: { type: 'segment_entry', segmentId: pro, includeExisting: true },
      reentry: { policy: 'after_exit' }, goal: { type: 'rule', rules: { type: 'segment', segmentId: list } }, trackOpens: false,
      rampPlan: [{ day: 1, percent: 5 }], sendWindow: { from: '09:00', to: '18:00' },
    }); // prettier-ignore
    await must(tenant, 'PUT', `/api/campaigns/${id}/steps`, {
      steps: [
        { ref: 'a', stepName: 'Welcome', stepType: 'email', templateId: template, abTest: { metric: 'click' },
          variants: [{ name: 'A' }, { name: 'B', ...EMAIL, stepType: undefined, fromName: 'Ada' }] },
        { ref: 'b', stepType: 'wait', waitUntil: { attribute: 'renews', offset: { value: -1, unit: 'days' }, timeOfDay: { from: '09:00' } } },
        { ref: 'c', stepType: 'condition', splitConfig: { type: 'rules', elseNextRef: 'e', branches: [
          { name: 'Readers', rules: { all: [{ type: 'email_opened', stepId: 'a' }, { type: 'segment', segmentId: pro }] }, nextRef: 'd' } ] } },
        { ref: 'd', stepType: 'wait_for', waitEvent: { name: 'order_placed', filter: { property: 'total', operator: 'gte', value: 5 } },
          waitDuration: { value: 2, unit: 'days' }, trueNextRef: 'f', falseNextRef: null },
        { ref: 'e', stepType: 'condition', splitConfig: { type: 'random', branches: [{ weight: 60, nextRef: 'f' }, { weight: 40, nextRef: 'g' }] } },
        { ref: 'f', stepType: 'action', actionConfig: { type: 'add_to_segment', segmentId: list }, nextRef: null },
        { ref: 'g', stepType: 'action', actionConfig: { type: 'enroll', campaignId: winBack } },
      ],
    }); // prettier-ignore
    return id;
  }

  it('come back as they went out: into the same tenant, into another, as a clone, under ids that are all their own', async () => {
    const id = await rich();
    const file = await exported(tenant, id);
    expect(textOf(file)).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const same = await must(tenant, 'POST', '/api/campaigns/import', file);
    expect(textOf(await exported(tenant, same.campaign.id))).toBe(textOf(file));
    expect([...same.segments, ...same.templates].map(({ ref, outcome }) => `${ref} ${outcome}`)).toEqual([
      'audience bound',
      'pro bound',
      'vip-list bound',
      'welcome bound',
    ]);
    const clone = await must(tenant, 'POST', `/api/campaigns/${id}/clone`, { name: 'Spring' });
    expect(textOf(await exported(tenant, clone.id))).toBe(textOf(file));

    const missing = await other.call('POST', '/api/campaigns/import', file);
    expect([missing.status, missing.body.errors[0].path]).toEqual([422, 'steps[6].actionConfig.campaign']);
    await must(other, 'POST', '/api/campaigns', { name: 'Win back', campaignType: 'drip' });
    expect((await other.call('POST', '/api/campaigns/import', file)).body.errors[0].path).toBe('campaign.providerAccount');
    await account(other, 'Main');
    const foreign = await must(other, 'POST', '/api/campaigns/import', file);
    expect(textOf(await exported(other, foreign.campaign.id))).toBe(textOf(file));
    expect(foreign.campaign).toMatchObject({ status: 'draft', totalContacts: 0, endDate: '2030-02-01T00:00:00.000Z' });
    expect([...foreign.segments, ...foreign.templates].map(({ outcome }) => outcome)).toEqual(['created', 'created', 'created', 'created']);

    const owned = await Promise.all([[tenant, id], [tenant, same.campaign.id], [tenant, clone.id], [other, foreign.campaign.id]].map(([who, campaignId]) => idsOf(who as TestTenant, campaignId as string))); // prettier-ignore
    expect(new Set(owned.flat()).size).toBe(owned.flat().length);
    expect(owned[0]).toHaveLength(10);
  });

  /** Of the campaign itself, its steps and its variants; and that no edge leads out of it. */
  async function idsOf(who: TestTenant, campaignId: string): Promise<string[]> {
    const { campaign, steps } = await must(who, 'GET', `/api/campaigns/${campaignId}`);
    const stepIds: string[] = steps.map((step: { id: string }) => step.id);
    const named = [...JSON.stringify(steps).matchAll(/"\w*[sS]tepId":"([^"]+)"/g)].map(([, stepId]) => stepId);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((stepId) => !stepIds.includes(stepId))).toEqual([]);
    return [
      campaign.id,
      ...stepIds,
      ...steps.flatMap((step: { variants: { id: string }[] }) => step.variants.map((variant) => variant.id)),
    ];
  }

  it('bind only what is the same: other content under the same name is made anew, and what nothing needs is left out', async () => {
    const file = {
      ...MINIMAL,
      campaign: { ...MINIMAL.campaign, segmentRef: 's' },
      steps: [{ ref: 'hi', stepType: 'email', templateRef: 't' }],
      segments: [
        { ref: 's', type: 'dynamic', name: 'Pro', rules: { type: 'tag', tag: 'new' } },
        { ref: 'unused', type: 'static', name: 'Nobody' },
      ],
      templates: [{ ref: 't', ...TEMPLATE, content: '<p>Other</p>' }],
    };
    const first = await must(tenant, 'POST', '/api/campaigns/import', file);
    expect([...first.segments, ...first.templates].map(({ outcome }) => outcome)).toEqual(['created', 'unused', 'created']);
    const again = await must(tenant, 'POST', '/api/campaigns/import', file);
    expect([again.segments[0], again.templates[0]]).toEqual([
      { ...first.segments[0], outcome: 'bound' },
      { ...first.templates[0], outcome: 'bound' },
    ]);
  });

  it('hold what was launched: the pinned version of a template, though the template has changed', async () => {
    const { id: templateId } = await must(tenant, 'POST', '/api/templates', { ...TEMPLATE, name: 'Pinned' });
    const { id } = await must(tenant, 'POST', '/api/campaigns', { name: 'Pins', campaignType: 'drip' });
    await must(tenant, 'PUT', `/api/campaigns/${id}/steps`, { steps: [{ stepType: 'email', templateId }] });
    await must(tenant, 'PATCH', `/api/templates/${templateId}`, { content: '<p>New</p>' });
    expect((await exported(tenant, id)).templates[0].content).toBe('<p>New</p>');
    await app.db.inTenant(tenant.tenantId, (tx) =>
      affected(tx, 'UPDATE campaign_steps SET template_version = 1 WHERE campaign_id = $1', [id]),
    );
    expect((await exported(tenant, id)).templates[0].content).toBe(TEMPLATE.content);
  });

  it.each([undefined, null, 'none'])('says of steps that are %j that they must be a list, not how long it may be', async (steps) => {
    expect(await tenant.call('POST', '/api/campaigns/import', { ...MINIMAL, steps })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'steps', message: 'must be a list', code: 'isArray' }] },
    });
  });

  it.each([
    ['nothing', undefined, 400, 'format'],
    ['another JSON document', { hello: 'world' }, 400, 'format'],
    ['a file from the future', { ...MINIMAL, version: 2, somethingNew: true }, 422, 'version'],
    ['a version that is none', { ...MINIMAL, version: '1' }, 400, 'version'],
    ['unknown fields', { ...MINIMAL, campaign: { ...MINIMAL.campaign, status: 'active' } }, 400, 'campaign.status'],
    ['no name', { ...MINIMAL, campaign: { campaignType: 'drip' } }, 400, 'campaign.name'],
    ['a zone that is none', { ...MINIMAL, campaign: { ...MINIMAL.campaign, timezone: 'Foo/Bar' } }, 400, 'campaign.timezone'],
    ['an id of a segment', { ...MINIMAL, campaign: { ...MINIMAL.campaign, segmentId: UNKNOWN } }, 400, 'campaign.segmentId'],
    ['a ref to nowhere', { ...MINIMAL, campaign: { ...MINIMAL.campaign, segmentRef: 'gone' } }, 422, 'campaign.segmentRef'],
    [
      'a trigger of another type',
      { ...MINIMAL, campaign: { ...MINIMAL.campaign, trigger: { type: 'moon' } } },
      400,
      'campaign.trigger.type',
    ],
    ['settings at odds', { ...MINIMAL, campaign: { ...MINIMAL.campaign, trigger: { type: 'event', name: 'x' } } }, 422, 'campaign.trigger'],
    ['a dangling branch', { ...MINIMAL, steps: [{ ...EMAIL, nextRef: 'gone' }] }, 422, 'steps[0].nextRef'],
    [
      'a circle',
      {
        ...MINIMAL,
        steps: [
          { ref: 'a', ...EMAIL },
          { ref: 'b', ...EMAIL, nextRef: 'a' },
        ],
      },
      422,
      'steps[1]',
    ],
    ['content that does not compile', { ...MINIMAL, steps: [{ ...EMAIL, emailContent: '{% if %}' }] }, 422, 'steps[0].emailContent'],
    [
      'a rule that is none',
      {
        ...MINIMAL,
        campaign: { ...MINIMAL.campaign, segmentRef: 's' },
        segments: [{ ref: 's', type: 'dynamic', name: 'S', rules: { all: [{ type: 'moon' }] } }],
      },
      400,
      'segments[0].rules.all[0].type',
    ],
    [
      'the bare name of a segment that is not there',
      { ...MINIMAL, campaign: { ...MINIMAL.campaign, segmentRef: 's' }, segments: [{ ref: 's', type: 'dynamic', name: 'Nowhere' }] },
      422,
      'segments[0].rules',
    ],
    [
      'a template that does not compile',
      { ...MINIMAL, steps: [{ stepType: 'email', templateRef: 't' }], templates: [{ ref: 't', ...TEMPLATE, content: '{% if %}' }] },
      422,
      'templates[0].content',
    ],
    [
      'a signed webhook without its secret',
      { ...MINIMAL, steps: [{ stepType: 'action', actionConfig: { type: 'webhook', url: 'https://acme.example/hook', hasSecret: true } }] },
      400,
      'steps[0].actionConfig.secret',
    ],
    [
      'weights that do not add up',
      {
        ...MINIMAL,
        steps: [
          {
            stepType: 'condition',
            splitConfig: {
              type: 'random',
              branches: [
                { weight: 60, nextRef: null },
                { weight: 30, nextRef: null },
              ],
            },
          },
        ],
      },
      400,
      'steps[0].splitConfig.branches',
    ],
  ])('are refused with %s, by the path of the fault, and nothing is made', async (_what, file, status, path) => {
    const count = () => app.db.asSystem((tx) => rows(tx, 'SELECT (SELECT count(*) FROM campaigns) + (SELECT count(*) FROM segments) + (SELECT count(*) FROM templates) AS n')); // prettier-ignore
    const before = await count();
    const answer = await tenant.call('POST', '/api/campaigns/import', file);
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([status, path]);
    expect(answer.body.detail.length).toBeGreaterThan(10);
    expect(await count()).toEqual(before);
  });

  it('may be larger than other bodies, but not without end', async () => {
    const padded = (bytes: number) => ({ format: 'x'.repeat(bytes) });
    expect((await tenant.call('POST', '/api/campaigns/import', padded(2_000_000))).status).toBe(400);
    expect((await tenant.call('POST', '/api/campaigns/import', padded(5_300_000))).status).toBe(413);
    expect((await tenant.call('POST', '/api/campaigns', padded(2_000_000))).status).toBe(413);
  });

  it('of another tenant are not there', async () => {
    const { campaign } = await must(tenant, 'POST', '/api/campaigns/import', MINIMAL);
    expect((await other.call('GET', `/api/campaigns/${campaign.id}/export`)).status).toBe(404);
  });
});
