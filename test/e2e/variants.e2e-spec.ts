import { CampaignsModule } from '../../src/modules/campaigns/index.js';
import { StepContents, StepsModule } from '../../src/modules/steps/index.js';
import { startCampaignsApp, type CampaignsApp, type TestTenant } from '../support/campaigns-app.js';

const UNKNOWN = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
const EMAIL = { stepType: 'email', subjectLine: 'Hi {{ contact.first_name }}', emailContent: '<p>Hello</p>' };
const WAIT = { stepType: 'wait', waitDuration: { value: 2, unit: 'days' } };
const TWO = [
  { name: 'A' },
  { name: 'B', subjectLine: 'Other', emailContent: '<p>Bye <a href="https://example.com/b">b</a></p>', fromName: 'Ada' },
];
const TEST = { metric: 'click' };

describe('the variants of a step over HTTP', () => {
  let app: CampaignsApp;
  let tenant: TestTenant;
  let other: TestTenant;
  let segmentId: string;

  beforeAll(async () => {
    app = await startCampaignsApp([CampaignsModule, StepsModule]);
    [tenant, other] = [await app.tenant(), await app.tenant()];
    segmentId = await tenant.segment();
  });
  afterAll(() => app.close());

  const campaign = async (rest: object = {}): Promise<string> => {
    const settings = { name: 'Test', campaignType: 'ab_test', segmentId, fromEmail: 'news@example.com', fromName: 'News', ...rest };
    return (await tenant.call('POST', '/api/campaigns', settings)).body.id;
  };
  const put = (id: string, ...steps: object[]) => tenant.call('PUT', `/api/campaigns/${id}/steps`, { steps });
  const faults = (body: { errors?: { path: string; code?: string }[] }) => (body.errors ?? []).map(({ path, code }) => `${path} ${code}`);
  const preflight = async (id: string) => (await tenant.call('GET', `/api/campaigns/${id}/preflight`)).body;
  const codesOf = async (id: string) => {
    const { errors, warnings } = await preflight(id);
    return [...errors, ...warnings].map(({ path, code }: { path: string; code: string }) => `${path} ${code}`);
  };

  it('are saved with the flow, with the terms of the test filled in', async () => {
    const id = await campaign();
    const { status, body } = await put(id, { ...EMAIL, variants: TWO, abTest: TEST });
    expect(status).toBe(200);
    expect(body.steps[0].abTest).toEqual({
      testShare: 0.2,
      metric: 'click',
      goalEvent: null,
      minSample: 100,
      minDuration: { value: 4, unit: 'hours' },
      maxDuration: { value: 1, unit: 'days' },
      significance: 0.05,
      inconclusive: 'best',
    });
    expect(body.steps[0].variants).toMatchObject([
      { name: 'A', position: 1, weight: 1, subjectLine: null, emailContent: null, contentFormat: null },
      { name: 'B', position: 2, subjectLine: 'Other', contentFormat: 'html', fromName: 'Ada', fromEmail: null },
    ]);
    expect(
      (await put(id, { ...EMAIL, abTest: { ...TEST, minDuration: { value: 3, unit: 'days' } }, variants: TWO })).body.steps[0].abTest,
    ).toMatchObject({
      maxDuration: { value: 3, unit: 'days' },
    });
    expect(await preflight(id)).toMatchObject({ ready: true, errors: [] });
  });

  it.each([
    ['one variant', { ...EMAIL, variants: [{ name: 'A' }] }, 422, ['steps[0].variants too_few_variants']],
    ['a test of nothing', { ...EMAIL, abTest: TEST }, 422, ['steps[0].variants too_few_variants']],
    ['two of one name', { ...EMAIL, variants: [{ name: 'A' }, { name: ' a ' }] }, 422, ['steps[0].variants[1].name doubled_name']],
    ['eleven', { ...EMAIL, variants: Array.from({ length: 11 }, (_, i) => ({ name: `V${i}` })) }, 400, ['steps[0].variants arrayMaxSize']],
    ['no name', { ...EMAIL, variants: [{ name: 'A' }, { weight: 1 }] }, 400, ['steps[0].variants[1].name isHeaderText']],
    ['a weight of nothing', { ...EMAIL, variants: [{ name: 'A', weight: 0 }, { name: 'B' }] }, 400, ['steps[0].variants[0].weight min']],
    ['half a weight', { ...EMAIL, variants: [{ name: 'A', weight: 1.5 }, { name: 'B' }] }, 400, ['steps[0].variants[0].weight isInt']],
    [
      'a broken sender',
      { ...EMAIL, variants: [{ name: 'A', fromEmail: 'x' }, { name: 'B' }] },
      400,
      ['steps[0].variants[0].fromEmail isEmailAddress'],
    ],
    [
      'two contents',
      { ...EMAIL, variants: [{ name: 'A', templateId: UNKNOWN, emailContent: 'x' }, { name: 'B' }] },
      400,
      ['steps[0].variants[0].emailContent ambiguous_content'],
    ],
    [
      'an unknown template',
      { ...EMAIL, variants: [{ name: 'A', templateId: UNKNOWN }, { name: 'B' }] },
      422,
      ['steps[0].variants[0].templateId template_not_found'],
    ],
    ['broken Liquid', { ...EMAIL, variants: [{ name: 'A', emailContent: '<p>{{ x | nope }}</p>' }, { name: 'B' }] }, 422, undefined],
    ['variants of a wait', { ...WAIT, variants: TWO }, 422, ['steps[0].variants foreign_field']],
    ['a test of a wait', { ...WAIT, abTest: TEST }, 400, ['steps[0].abTest foreign_field']],
    ['no metric', { ...EMAIL, variants: TWO, abTest: {} }, 400, ['steps[0].abTest.metric isIn']],
    ['an unknown metric', { ...EMAIL, variants: TWO, abTest: { metric: 'luck' } }, 400, ['steps[0].abTest.metric isIn']],
    ['no share', { ...EMAIL, variants: TWO, abTest: { ...TEST, testShare: 0 } }, 400, ['steps[0].abTest.testShare min']],
    ['more than all', { ...EMAIL, variants: TWO, abTest: { ...TEST, testShare: 1.1 } }, 400, ['steps[0].abTest.testShare max']],
    ['a goal without a name', { ...EMAIL, variants: TWO, abTest: { metric: 'goal' } }, 400, ['steps[0].abTest.goalEvent required']],
    [
      'a name without a goal',
      { ...EMAIL, variants: TWO, abTest: { ...TEST, goalEvent: 'x' } },
      400,
      ['steps[0].abTest.goalEvent foreign_field'],
    ],
    [
      'an end before the beginning',
      { ...EMAIL, variants: TWO, abTest: { ...TEST, maxDuration: { value: 5, unit: 'minutes' } } },
      400,
      ['steps[0].abTest.maxDuration duration_out_of_range'],
    ],
    [
      'a test of years',
      { ...EMAIL, variants: TWO, abTest: { ...TEST, maxDuration: { value: 200, unit: 'weeks' } } },
      400,
      ['steps[0].abTest.maxDuration duration_out_of_range'],
    ],
  ])('are refused with the place of the fault: %s', async (_what, step, status, expected) => {
    const answer = await put(await campaign(), step);
    expect(answer.status).toBe(status);
    if (expected) expect(faults(answer.body)).toEqual(expected);
    else expect(faults(answer.body)[0]).toMatch(/^steps\[0\]\.variants\[0\]\.emailContent /);
  });

  it('are changed one at a time, and no more when the campaign has been launched', async () => {
    const id = await campaign();
    const step = (await put(id, EMAIL)).body.steps[0];
    const path = `/api/campaigns/${id}/steps/${step.id}/variants`;
    const [a, b, c] = [
      (await tenant.call('POST', path, { name: 'A' })).body,
      (await tenant.call('POST', path, { name: 'B', weight: 3 })).body,
      (await tenant.call('POST', path, { name: 'C' })).body,
    ];
    expect([a.position, b.position, c.position]).toEqual([1, 2, 3]);
    const doubled = await tenant.call('POST', path, { name: 'b' });
    expect([doubled.status, faults(doubled.body)]).toEqual([422, ['name doubled_name']]);
    const renamed = await tenant.call('PATCH', `${path}/${b.id}`, { name: 'C' });
    expect([renamed.status, faults(renamed.body)]).toEqual([422, ['name doubled_name']]);
    expect((await tenant.call('PATCH', `${path}/${b.id}`, { subjectLine: 'New' })).body).toMatchObject({
      name: 'B',
      weight: 3,
      subjectLine: 'New',
    });
    expect((await tenant.call('PATCH', `${path}/${b.id}`, { subjectLine: null })).body).toMatchObject({ name: 'B', subjectLine: null });
    expect((await tenant.call('DELETE', `${path}/${a.id}`)).status).toBe(204);
    const left = (await tenant.call('GET', path)).body.data;
    expect(left.map(({ name, position }: any) => `${position}${name}`)).toEqual(['1B', '2C']);
    expect((await tenant.call('GET', `${path}/${c.id}`)).body).toEqual(left[1]);
    expect((await tenant.call('GET', `${path}/${a.id}`)).status).toBe(404);
    for (const [method, at] of [
      ['GET', path],
      ['POST', path],
      ['GET', `${path}/${c.id}`],
      ['PATCH', `${path}/${c.id}`],
      ['DELETE', `${path}/${c.id}`],
    ] as const) {
      const body = method === 'POST' || method === 'PATCH' ? { name: 'X' } : undefined;
      expect([method, (await other.call(method, at, body)).status]).toEqual([method, 404]);
    }
    await tenant.call('PATCH', `/api/campaigns/${id}/steps/${step.id}`, WAIT);
    expect((await tenant.call('GET', path)).body.data).toEqual([]);
    const onWait = await tenant.call('POST', path, { name: 'A' });
    expect([onWait.status, faults(onWait.body)[0]]).toEqual([422, 'variants foreign_field']);
    await tenant.call('PATCH', `/api/campaigns/${id}/steps/${step.id}`, EMAIL);
    for (const name of ['A', 'B']) await tenant.call('POST', path, { name });
    expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).status).toBe(200);
    expect((await tenant.call('POST', path, { name: 'Late' })).status).toBe(409);
  });

  it('are asked for before a launch: what cannot be tested is not launched', async () => {
    const id = await campaign();
    await put(id, EMAIL);
    expect(await codesOf(id)).toContain('steps no_variants');
    await put(id, { ...EMAIL, variants: TWO });
    expect(await codesOf(id)).toEqual(expect.arrayContaining(['steps no_winner_chosen']));
    const blind = await campaign({ trackClicks: false });
    await put(blind, { ...EMAIL, variants: TWO, abTest: TEST });
    expect(await codesOf(blind)).toContain('steps[0].abTest.metric metric_not_tracked');
    expect((await tenant.call('POST', `/api/campaigns/${blind}/launch`)).status).toBe(422);
  });

  it('are frozen at launch, each with its own content and sender, and copied with ids of their own', async () => {
    const id = await campaign();
    const [step] = (await put(id, { ...EMAIL, variants: TWO, abTest: TEST })).body.steps;
    expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).status).toBe(200);
    const [a, b] = step.variants.map((variant: { id: string }) => variant.id);
    const contents = await app.db.inTenant(tenant.tenantId, (tx) => app.app.get(StepContents).load(tx, tenant.tenantId, [a, b]));
    expect(contents.get(a)).toMatchObject({ subjectLine: EMAIL.subjectLine, linkIds: expect.any(Array) });
    expect(contents.get(b)).toMatchObject({ subjectLine: 'Other', from: { name: 'Ada', email: null } });
    expect(contents.get(b)!.compiled.links.map(({ url }) => url)).toContain('https://example.com/b');

    const copy = (await tenant.call('POST', `/api/campaigns/${id}/clone`)).body.id;
    const [copied] = (await tenant.call('GET', `/api/campaigns/${copy}/steps`)).body.data;
    const bare = ({ id: _, ...variant }: { id: string }) => variant;
    expect(copied.variants.map(bare)).toEqual(step.variants.map(bare));
    expect(copied.abTest).toEqual(step.abTest);
    expect(copied.variants.map((variant: { id: string }) => variant.id)).not.toEqual(expect.arrayContaining([a]));
  });

  it('are shown and sent to oneself like the step', async () => {
    const id = await campaign();
    const [step] = (await put(id, { ...EMAIL, variants: TWO })).body.steps;
    const at = `/api/campaigns/${id}/steps/${step.id}`;
    const shown = await tenant.call('POST', `${at}/preview`, { variantId: step.variants[1].id });
    expect(shown.body).toMatchObject({ subject: 'Other', html: expect.stringContaining('Bye') });
    expect((await tenant.call('POST', `${at}/preview`, { variantId: step.variants[0].id })).body.subject).toBe('Hi Ada');
    const unknown = await tenant.call('POST', `${at}/preview`, { variantId: UNKNOWN });
    expect([unknown.status, faults(unknown.body)]).toEqual([422, ['variantId variant_not_found']]);
    const sent = await tenant.call('POST', `${at}/test-send`, { to: ['me@example.com'], variantId: step.variants[1].id });
    expect(sent.body.results).toMatchObject([{ to: 'me@example.com', outcome: 'accepted' }]);
  });
});
