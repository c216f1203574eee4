import { affected, row, rows } from '../../src/database/index.js';
import { CampaignLaunchService, CampaignsModule } from '../../src/modules/campaigns/index.js';
import { EmailProvider, type OutgoingMessage, type SendOutcome } from '../../src/modules/mail/index.js';
import { StepContents, StepsModule, StepsService, type StepDto } from '../../src/modules/steps/index.js';
import { addContact, startCampaignsApp, type CampaignsApp, type TestTenant } from '../support/campaigns-app.js';

const UNKNOWN = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
const EMAIL = {
  stepType: 'email',
  subjectLine: 'Hi {{ contact.first_name }}',
  emailContent: '<p>Hello <a href="https://example.com/a">you</a></p>',
};
const WAIT = { stepType: 'wait', waitDuration: { value: 2, unit: 'days' } };
const TAG = { stepType: 'action', actionConfig: { type: 'add_tag', tag: 'vip' } };
const split = (branches: object[]) => ({ stepType: 'condition', splitConfig: { type: 'random', branches } });
const FLOW = [
  { ref: 'welcome', stepName: 'Welcome', ...EMAIL },
  { ref: 'rest', ...WAIT },
  {
    ref: 'opened',
    stepType: 'condition',
    conditionRules: { all: [{ type: 'email_opened', stepId: 'welcome' }, { not: { type: 'tag', tag: 'no' } }] },
    trueNextRef: 'thanks',
    falseNextRef: 'reminder',
  },
  { ref: 'thanks', ...TAG, nextRef: null },
  { ref: 'reminder', ...EMAIL, subjectLine: 'Again' },
];

describe('the steps of a campaign over HTTP', () => {
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
    const settings = { name: 'Flow', campaignType: 'broadcast', segmentId, fromEmail: 'news@example.com', fromName: 'News', ...rest };
    return (await tenant.call('POST', '/api/campaigns', settings)).body.id;
  };
  const steps = (id: string) => `/api/campaigns/${id}/steps`;
  const add = async (id: string, step: object): Promise<StepDto> => {
    const { status, body } = await tenant.call('POST', steps(id), step);
    expect({ status, errors: body.errors }).toEqual({ status: 201, errors: undefined });
    return body;
  };
  const listed = async (id: string): Promise<StepDto[]> => (await tenant.call('GET', steps(id))).body.data;
  const faults = (body: { errors?: { path: string; code?: string }[] }) => (body.errors ?? []).map(({ path, code }) => `${path} ${code}`);
  const save = async (id: string, flow: object[] = FLOW): Promise<(StepDto & { ref: string })[]> => {
    const { status, body } = await tenant.call('PUT', steps(id), { steps: flow });
    expect({ status, errors: body.errors }).toEqual({ status: 200, errors: undefined });
    return body.steps;
  };

  describe('saved one at a time', () => {
    it('stand in order, in between if asked, and move', async () => {
      const id = await campaign();
      const first = await add(id, { ...EMAIL, stepName: 'A' });
      const third = await add(id, { ...WAIT, stepName: 'C' });
      const second = await add(id, { ...TAG, stepName: 'B', stepOrder: 2 });
      const names = async () => (await listed(id)).map(({ stepName, stepOrder }) => `${stepOrder}${stepName}`);
      expect(await names()).toEqual(['1A', '2B', '3C']);
      await tenant.call('PATCH', `${steps(id)}/${third.id}`, { stepOrder: 1 });
      expect(await names()).toEqual(['1C', '2A', '3B']);
      const ordered = await tenant.call('PUT', `${steps(id)}/order`, { stepIds: [second.id, first.id, third.id] });
      expect(ordered.body.data.map(({ stepName }: StepDto) => stepName)).toEqual(['B', 'A', 'C']);
      expect((await tenant.call('DELETE', `${steps(id)}/${first.id}`)).status).toBe(204);
      expect(await names()).toEqual(['1B', '2C']);
      expect((await tenant.call('GET', `/api/campaigns/${id}`)).body.steps).toEqual(await listed(id));
    });

    it('change only by what is given, keep nothing of a former type, and not over somebody else’s change (412)', async () => {
      const id = await campaign();
      const step = await add(id, EMAIL);
      const path = `${steps(id)}/${step.id}`;
      const { etag, body } = await tenant.call('GET', path);
      expect(body).toEqual(step);
      const renamed = await tenant.call('PATCH', path, { stepName: 'Hello' }, { 'if-match': etag! });
      expect(renamed.body).toMatchObject({ stepName: 'Hello', subjectLine: EMAIL.subjectLine, contentFormat: 'html' });
      expect((await tenant.call('PATCH', path, { stepName: 'Lost' }, { 'if-match': etag! })).status).toBe(412);
      expect((await tenant.call('PATCH', path, { stepType: null })).status).toBe(400);
      expect((await tenant.call('PATCH', path, { isEnd: null })).status).toBe(400);
      const wait = await tenant.call('PATCH', path, WAIT);
      expect(wait.body).toMatchObject({ ...WAIT, stepName: 'Hello', subjectLine: null, emailContent: null, contentFormat: null });
    });

    it.each([
      ['a wait of nothing', { ...WAIT, waitDuration: { value: 0, unit: 'days' } }, ['waitDuration.value wait_out_of_range']],
      ['a negative wait', { ...WAIT, waitDuration: { value: -1, unit: 'days' } }, ['waitDuration.value wait_out_of_range']],
      ['a wait of centuries', { ...WAIT, waitDuration: { value: 40_000, unit: 'weeks' } }, ['waitDuration.value wait_out_of_range']],
      ['an unknown unit', { ...WAIT, waitDuration: { value: 1, unit: 'moons' } }, ['waitDuration.unit isIn']],
      ['a wait in words', { ...WAIT, waitDuration: 'two days' }, ['waitDuration isObject']],
      ['an unknown field', { ...WAIT, emailsSent: 5, tenantId: UNKNOWN }, ['emailsSent unknown_field', 'tenantId unknown_field']],
      ['a field of another type', { ...WAIT, subjectLine: 'x' }, ['subjectLine foreign_field']],
      ['no type', { stepName: 'x' }, ['stepType isIn']],
      ['an email without content', { stepType: 'email' }, ['subjectLine required', 'emailContent required']],
      ['an unknown rule', { stepType: 'condition', conditionRules: { type: 'moon' } }, ['conditionRules.type unknown_type']],
      [
        'a rule with 51 parts',
        { stepType: 'condition', conditionRules: { all: Array.from({ length: 51 }, () => ({ type: 'tag', tag: 'x' })) } },
        ['conditionRules too_many_nodes'],
      ],
      ['a condition without rules', { stepType: 'condition' }, ['conditionRules required']],
      ['an unknown action', { stepType: 'action', actionConfig: { type: 'explode' } }, ['actionConfig.type unknown_action']],
      [
        'a zone that is none',
        { stepType: 'action', actionConfig: { type: 'set_attribute', attribute: 'timezone', value: 'FOO7BAR' } },
        ['actionConfig.value invalid_value'],
      ],
      [
        'an attribute that cannot be one',
        { stepType: 'action', actionConfig: { type: 'set_attribute', attribute: 'a.b!', value: 1 } },
        ['actionConfig.attribute invalid_value'],
      ],
      [
        'a value that cannot be one',
        { stepType: 'action', actionConfig: { type: 'set_attribute', attribute: 'a', value: { b: 1 } } },
        ['actionConfig.value invalid_value'],
      ],
      ['a tag of two lines', { stepType: 'action', actionConfig: { type: 'add_tag', tag: 'a\nb' } }, ['actionConfig.tag invalid_tag']],
      ['a place that is none', { ...WAIT, stepOrder: 0 }, ['stepOrder min']],
    ])('refuse %s (400)', async (_what, step, expected) => {
      const { status, body } = await tenant.call('POST', steps(await campaign()), step);
      expect([status, faults(body)]).toEqual([400, expected]);
    });

    it.each([
      ['a Liquid syntax error', { ...EMAIL, emailContent: '<p>{{ contact.first_name | </p>' }, 'emailContent'],
      ['an unknown filter', { ...EMAIL, subjectLine: '{{ contact.first_name | upcaes }}' }, 'subjectLine'],
      ['malformed MJML', { ...EMAIL, emailContent: '<mjml><mj-body><mj-nothing></mj-nothing></mj-body></mjml>' }, 'emailContent'],
      [
        'an address inside the network',
        { stepType: 'action', actionConfig: { type: 'webhook', url: 'https://[::ffff:169.254.169.254]/latest' } },
        'actionConfig.url',
      ],
      [
        'an address with a password',
        { stepType: 'action', actionConfig: { type: 'webhook', url: 'https://me:secret@acme.example/' } },
        'actionConfig.url',
      ],
      [
        'a port of its own',
        { stepType: 'action', actionConfig: { type: 'webhook', url: 'https://acme.example:8443/' } },
        'actionConfig.url',
      ],
      ['an unknown template', { stepType: 'email', templateId: UNKNOWN }, 'templateId'],
      ['an unknown next step', { ...WAIT, nextStepId: UNKNOWN }, 'nextStepId'],
      ['an unknown branch', { stepType: 'condition', conditionRules: { all: [] }, trueNextStepId: UNKNOWN }, 'trueNextStepId'],
      [
        'an unknown segment in a rule',
        { stepType: 'condition', conditionRules: { type: 'segment', segmentId: UNKNOWN } },
        'conditionRules.segmentId',
      ],
      [
        'a rule about an unknown step',
        { stepType: 'condition', conditionRules: { type: 'email_opened', stepId: UNKNOWN } },
        'conditionRules',
      ],
    ])('refuse %s (422)', async (_what, step, path) => {
      const id = await campaign();
      const { status, body } = await tenant.call('POST', steps(id), step);
      expect([status, body.errors.map((fault: { path: string }) => fault.path)]).toEqual([422, [path]]);
      expect(await listed(id)).toEqual([]);
    });

    it('refuse a branch, a template or a segment of somebody else with the words for an unknown one', async () => {
      const [mine, elsewhere] = [await campaign(), await campaign()];
      const foreignStep = await add(elsewhere, WAIT);
      const foreignSegment = await other.segment();
      const { body: template } = await app.db.inTenant(other.tenantId, async (tx) => {
        const made = await row<{ id: string }>(tx, `INSERT INTO templates (tenant_id, name) VALUES ($1, 'T') RETURNING id`, [
          other.tenantId,
        ]);
        await affected(
          tx,
          `INSERT INTO template_versions (tenant_id, template_id, version, content, content_format) VALUES ($1, $2, 1, 'x', 'html')`,
          [other.tenantId, made!.id],
        );
        return { body: made! };
      });
      const pairs: [object, object][] = [
        [
          { ...WAIT, nextStepId: foreignStep.id },
          { ...WAIT, nextStepId: UNKNOWN },
        ],
        [
          { stepType: 'email', templateId: template.id },
          { stepType: 'email', templateId: UNKNOWN },
        ],
        [
          { stepType: 'condition', conditionRules: { type: 'segment', segmentId: foreignSegment } },
          { stepType: 'condition', conditionRules: { type: 'segment', segmentId: UNKNOWN } },
        ],
      ];
      for (const [foreign, unknown] of pairs) {
        const answers = [await tenant.call('POST', steps(mine), foreign), await tenant.call('POST', steps(mine), unknown)];
        const texts = answers.map(({ status, body }) => JSON.stringify({ status, errors: body.errors, detail: body.detail }));
        expect(answers[0].status).toBe(422);
        expect(texts[0].replaceAll(foreignSegment, UNKNOWN)).toBe(texts[1]);
      }
    });

    it('never form a circle', async () => {
      const id = await campaign();
      const [first, second] = [await add(id, EMAIL), await add(id, WAIT)];
      const self = await tenant.call('PATCH', `${steps(id)}/${first.id}`, { nextStepId: first.id });
      expect([self.status, faults(self.body)]).toEqual([422, ['nextStepId self_loop']]);
      const circle = await tenant.call('PATCH', `${steps(id)}/${second.id}`, { nextStepId: first.id });
      expect([circle.status, circle.body.errors[0].code]).toEqual([422, 'cycle']);
    });

    it('cannot be deleted while others lead to them or ask about them; the answer names these', async () => {
      const id = await campaign();
      const saved = await save(id);
      const byRef = new Map(saved.map((step) => [step.ref, step]));
      const asked = await tenant.call('DELETE', `${steps(id)}/${byRef.get('welcome')!.id}`);
      expect([asked.status, faults(asked.body)]).toEqual([422, ['steps[2].conditionRules step_in_use']]);
      const branch = await tenant.call('DELETE', `${steps(id)}/${byRef.get('thanks')!.id}`);
      expect([branch.status, faults(branch.body)]).toEqual([422, ['steps[2].trueNextStepId step_in_use']]);
      expect((await tenant.call('DELETE', `${steps(id)}/${byRef.get('rest')!.id}`)).status).toBe(204);
    });

    it('cannot be reordered by a list that forgets or doubles one', async () => {
      const id = await campaign();
      const [first, second] = [await add(id, EMAIL), await add(id, WAIT)];
      for (const stepIds of [[first.id], [first.id, first.id], [first.id, second.id, UNKNOWN], []]) {
        expect((await tenant.call('PUT', `${steps(id)}/order`, { stepIds })).status).toBe(422);
      }
    });
  });

  describe('saved as a whole flow', () => {
    it('get ids, with edges and rules turned from refs to ids', async () => {
      const id = await campaign();
      await add(id, EMAIL);
      const [welcome, rest, opened, thanks, reminder] = await save(id);
      expect([welcome, rest, opened, thanks, reminder].map(({ ref, stepOrder }) => `${stepOrder}${ref}`)).toEqual(
        FLOW.map(({ ref }, i) => `${i + 1}${ref}`),
      );
      expect(opened).toMatchObject({ trueNextStepId: thanks.id, falseNextStepId: reminder.id });
      expect(opened.conditionRules).toEqual({ all: [{ type: 'email_opened', stepId: welcome.id }, { not: { type: 'tag', tag: 'no' } }] });
      expect(thanks).toMatchObject({ isEnd: true, nextStepId: null });
      expect(await listed(id)).toHaveLength(FLOW.length);
      const flow = await app.db.inTenant(tenant.tenantId, (tx) => app.app.get(StepsService).loadFlow(tx, tenant.tenantId, id, 1));
      expect(flow.firstStepId).toBe(welcome.id);
      expect(flow.steps.get(welcome.id)).toMatchObject({ next: rest.id, type: 'email', order: 1 });
      expect(flow.steps.get(rest.id)).toMatchObject({ next: opened.id, wait: WAIT.waitDuration });
      expect(flow.steps.get(opened.id)).toMatchObject({ next: null, trueNext: thanks.id, falseNext: reminder.id });
      expect(flow.steps.get(thanks.id)).toMatchObject({ next: null, action: TAG.actionConfig });
    });

    it.each([
      ['a ref to nowhere', [{ ref: 'a', ...WAIT, nextRef: 'b' }], 422, ['steps[0].nextRef dangling_branch']],
      [
        'a doubled ref',
        [
          { ref: 'a', ...WAIT },
          { ref: 'a', ...WAIT },
        ],
        422,
        ['steps[1].ref doubled_ref'],
      ],
      ['a self-loop', [{ ref: 'a', ...WAIT, nextRef: 'a' }], 422, ['steps[0].nextRef self_loop']],
      [
        'a circle',
        [
          { ref: 'a', ...WAIT },
          { ref: 'b', ...WAIT, nextRef: 'a' },
        ],
        422,
        ['steps[1] cycle'],
      ],
      ['a way of a split to nowhere', [split([{ weight: 100, nextRef: null }, { weight: 0.01, nextRef: 'x' }])], 422, ['steps[0].splitConfig.branches[1].nextRef dangling_branch']], // prettier-ignore
      ['weights that do not add up', [split([{ weight: 60, nextRef: null }, { weight: 30, nextRef: null }])], 400, ['steps[0].splitConfig.branches weights_sum']], // prettier-ignore
      ['a weight below nothing', [split([{ weight: 101, nextRef: null }, { weight: -1, nextRef: null }])], 400, ['steps[0].splitConfig.branches[0].weight weight_out_of_range', 'steps[0].splitConfig.branches[1].weight weight_out_of_range']], // prettier-ignore
      ['a circle through a split', [{ ref: 'a', ...WAIT }, split([{ weight: 50, nextRef: 'a' }, { weight: 50, nextRef: null }])], 422, ['steps[1] cycle']], // prettier-ignore
      ['a wait until never', [{ ...WAIT, waitDuration: null, waitUntil: { timeOfDay: { from: '25:00' } } }], 400, ['steps[0].waitUntil.timeOfDay.from invalid_time']], // prettier-ignore
      ['a wait for nothing in particular', [{ ...WAIT, stepType: 'wait_for' }], 400, ['steps[0].waitEvent required']],
      ['a wait for an event without end', [{ stepType: 'wait_for', waitEvent: { name: 'x' } }], 400, ['steps[0].waitDuration required']],
      ['a filter that is none', [{ ...WAIT, stepType: 'wait_for', waitEvent: { name: 'x', filter: { property: 'a', operator: 'like' } } }], 400, ['steps[0].waitEvent.filter.operator unknown_operator']], // prettier-ignore
      ['a list that is not there', [{ stepType: 'action', actionConfig: { type: 'add_to_segment', segmentId: UNKNOWN } }], 422, ['steps[0].actionConfig.segmentId segment_not_found']], // prettier-ignore
      ['a campaign that is not there', [{ stepType: 'action', actionConfig: { type: 'enroll', campaignId: UNKNOWN } }], 422, ['steps[0].actionConfig.campaignId campaign_not_found']], // prettier-ignore
      ['a test of one variant', [{ ...EMAIL, variants: [{ name: 'A' }] }], 422, ['steps[0].variants too_few_variants']],
      [
        'content that does not compile',
        [
          { ref: 'a', ...WAIT },
          { ref: 'b', ...EMAIL, emailContent: '{% if %}' },
        ],
        422,
        ['steps[1].emailContent'],
      ],
      [
        'a branch at a wait',
        [
          { ref: 'a', ...WAIT, trueNextRef: 'b' },
          { ref: 'b', ...WAIT },
        ],
        400,
        ['steps[0].trueNextRef foreign_field'],
      ],
      [
        'a wait of nothing',
        [{ ref: 'a', ...WAIT, waitDuration: { value: 0, unit: 'days' } }],
        400,
        ['steps[0].waitDuration.value wait_out_of_range'],
      ],
      ['a blank ref', [{ ref: ' ', ...WAIT }], 400, ['steps[0].ref isHeaderText']],
      ['ids where refs belong', [{ ref: 'a', ...WAIT, nextStepId: UNKNOWN }], 400, ['steps[0].nextStepId unknown_field']],
      ['201 steps', Array.from({ length: 201 }, (_, i) => ({ ref: `s${i}`, ...WAIT })), 400, ['steps arrayMaxSize']],
    ])('are refused with %s, and the former flow stays', async (_what, flow, status, expected) => {
      const id = await campaign();
      const before = await save(id);
      const answer = await tenant.call('PUT', steps(id), { steps: flow });
      expect(answer.status).toBe(status);
      expect(faults(answer.body).map((fault, i) => (expected[i]?.includes(' ') ? fault : fault.split(' ')[0]))).toEqual(expected);
      expect((await listed(id)).map((step) => step.id)).toEqual(before.map((step) => step.id));
    });
  });

  it('of another tenant or campaign are not there, on any route', async () => {
    const id = await campaign();
    const step = await add(id, EMAIL);
    const elsewhere = await campaign();
    for (const [method, path, body] of [
      ['GET', ''],
      ['POST', '', EMAIL],
      ['PUT', '', { steps: [] }],
      ['PUT', '/order', { stepIds: [] }],
      ['GET', `/${step.id}`],
      ['PATCH', `/${step.id}`, { stepName: 'Mine' }],
      ['DELETE', `/${step.id}`],
      ['POST', `/${step.id}/preview`, {}],
      ['POST', `/${step.id}/test-send`, { to: ['me@example.com'] }],
    ] as const) {
      expect([method, path, (await other.call(method, steps(id) + path, body)).status]).toEqual([method, path, 404]);
      if (path.startsWith(`/${step.id}`))
        expect([path, (await tenant.call(method, steps(elsewhere) + path, body)).status]).toEqual([path, 404]);
    }
    expect(await listed(id)).toEqual([step]);
  });

  it('of a launched campaign stay as they are (409)', async () => {
    const id = await campaign();
    const [step] = await save(id);
    expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '', WAIT],
      ['PUT', '', { steps: [] }],
      ['PUT', '/order', { stepIds: [] }],
      ['PATCH', `/${step.id}`, { subjectLine: 'Changed under way' }],
      ['DELETE', `/${step.id}`],
    ] as const) {
      const answer = await tenant.call(method, steps(id) + path, body);
      expect([method, path, answer.status, answer.body.currentStatus]).toEqual([method, path, 409, 'active']);
    }
  });

  describe('at a launch', () => {
    it('stand in the way where the flow cannot work, with the place of each fault', async () => {
      const id = await campaign();
      const empty = await tenant.call('POST', `/api/campaigns/${id}/launch`);
      expect([empty.status, faults(empty.body)]).toEqual([422, ['steps no_steps']]);
      await save(id, [{ ref: 'a', ...WAIT }]);
      expect(faults((await tenant.call('POST', `/api/campaigns/${id}/launch`)).body)).toEqual(['steps no_email_step']);
      await save(id, [
        { ref: 'a', ...EMAIL, nextRef: null },
        { ref: 'b', ...EMAIL },
      ]);
      const preflight = await tenant.call('GET', `/api/campaigns/${id}/preflight`);
      expect(preflight.body).toMatchObject({
        ready: true,
        errors: [],
        warnings: expect.arrayContaining([expect.objectContaining({ code: 'unreachable_step', path: 'steps[1]' })]),
      });
    });

    it('are frozen: content compiled, links registered, the template pinned', async () => {
      const { body: template } = await tenant.call('POST', '/api/templates', {
        name: 'T',
        subjectLine: 'From the template',
        content: '<p>One <a href="https://example.com/t">t</a></p>',
        contentFormat: 'html',
      });
      const id = await campaign();
      const saved = await save(id, [
        { ref: 'own', ...EMAIL },
        { ref: 'template', stepType: 'email', templateId: template.id },
      ]);
      expect((await tenant.call('POST', `/api/campaigns/${id}/launch`)).status).toBe(200);
      await tenant.call('PATCH', `/api/templates/${template.id}`, { content: '<p>Two</p>' });
      const contents = await app.db.inTenant(tenant.tenantId, (tx) =>
        app.app.get(StepContents).load(
          tx,
          tenant.tenantId,
          saved.map((step) => step.id),
        ),
      );
      const [own, fromTemplate] = saved.map((step) => contents.get(step.id)!);
      expect(own.subjectLine).toContain('Hi ');
      expect(own.compiled.links.map(({ url }) => url)).toEqual(['https://example.com/a']);
      expect(own.linkIds).toEqual([expect.stringMatching(/^[\w-]{8,}$/)]);
      expect(fromTemplate.subjectLine).toBe('From the template');
      expect(fromTemplate.compiled.html).toContain('One');
      expect((await listed(id)).map(({ templateVersion }) => templateVersion)).toEqual([null, 1]);
    });

    it('that changed between the checks and the launch undo it (409)', async () => {
      const id = await campaign();
      const [step] = await save(id);
      const launching = app.app.get(CampaignLaunchService);
      const tenantId = tenant.tenantId;
      // The gap is made where it is: after the checks of this launch have read, before its transaction begins.
      const inTenant = app.db.inTenant.bind(app.db);
      const calls: number[] = [];
      app.db.inTenant = (async (...args: Parameters<typeof inTenant>) => {
        const result = await inTenant(...args);
        calls.push(1);
        // 1 load, 2 audience, 3 checks, 4 content: the fifth is the launch.
        if (calls.length === 4) {
          await inTenant(tenantId, (tx) =>
            affected(tx, `UPDATE campaign_steps SET subject_line = 'Slipped in' WHERE tenant_id = $1 AND id = $2`, [tenantId, step.id]),
          );
        }
        return result;
      }) as typeof app.db.inTenant;
      const ctx = { tenantId, workspaceId: null, userId: null, actor: { type: 'system', id: null }, roles: [] } as const;
      try {
        await expect(launching.launch({ ...ctx, roles: [] }, id, {})).rejects.toMatchObject({ code: 'campaign_changed' });
      } finally {
        app.db.inTenant = inTenant;
      }
      expect((await tenant.call('GET', `/api/campaigns/${id}`)).body.campaign).toMatchObject({ status: 'draft', launchedAt: null });
    });
  });

  it('are cloned into the same flow with ids of its own: no branch leads back into the original', async () => {
    const id = await campaign();
    const original = await save(id);
    const { body: clone } = await tenant.call('POST', `/api/campaigns/${id}/clone`);
    const copies = await listed(clone.id);
    const place = (all: StepDto[], stepId: string | null) => all.findIndex((step) => step.id === stepId);
    const shape = (all: StepDto[]) =>
      all.map(({ id: _id, campaignId: _campaign, createdAt: _created, updatedAt: _updated, conditionRules, ...step }) => ({
        ...step,
        nextStepId: place(all, step.nextStepId),
        trueNextStepId: place(all, step.trueNextStepId),
        falseNextStepId: place(all, step.falseNextStepId),
        conditionRules: JSON.stringify(conditionRules)?.replace(
          /"stepId":"([^"]+)"/g,
          (_, stepId: string) => `"stepId":${place(all, stepId)}`,
        ),
      }));
    expect(shape(copies)).toEqual(shape(original.map(({ ref: _ref, ...step }) => step)));
    expect(shape(copies)[2]).toMatchObject({
      trueNextStepId: 3,
      falseNextStepId: 4,
      conditionRules: expect.stringContaining('"stepId":0'),
    });
    const ids = new Set(original.map((step) => step.id));
    expect(copies.filter((step) => ids.has(step.id))).toEqual([]);
  });

  describe('seen before they are sent', () => {
    let stepId: string;
    let path: string;
    let sent: OutgoingMessage[];
    beforeAll(async () => {
      const id = await campaign();
      ({ id: stepId } = await add(id, EMAIL));
      path = `${steps(id)}/${stepId}`;
    });
    beforeEach(() => {
      sent = [];
      const provider = app.app.get(EmailProvider, { strict: false });
      provider.send = async (messages) => {
        sent.push(...messages);
        return messages.map(({ to }): SendOutcome =>
          to.address.startsWith('gone')
            ? { kind: 'failed', reason: 'no_such_user', detail: 'No such user' }
            : { kind: 'accepted', providerMessageId: null },
        );
      };
    });

    it('show what a contact would get, or somebody made up', async () => {
      const contactId = await addContact(app, tenant.tenantId, segmentId, 'grace@example.com');
      await app.db.inTenant(tenant.tenantId, (tx) =>
        affected(tx, `UPDATE contacts SET first_name = 'Grace & Co' WHERE tenant_id = $1 AND id = $2`, [tenant.tenantId, contactId]),
      );
      const preview = await tenant.call('POST', `${path}/preview`, { contactId });
      expect(preview.body).toMatchObject({
        subject: 'Hi Grace & Co',
        html: expect.stringContaining('https://example.com/a'),
        // An advice about names that may be missing is fine; it is no fault.
        problems: [expect.objectContaining({ severity: 'warning' })],
      });
      expect((await tenant.call('POST', `${path}/preview`)).body.subject).toBe('Hi Ada');
      const foreign = await tenant.call('POST', `${path}/preview`, { contactId: UNKNOWN });
      expect([foreign.status, faults(foreign.body)]).toEqual([422, ['contactId contact_not_found']]);
    });

    it('go to colleagues as a test, outside the ledger, with an answer for each', async () => {
      const answer = await tenant.call('POST', `${path}/test-send`, { to: ['me@example.com', 'gone@example.com'] });
      expect(answer.body).toEqual({
        results: [
          { to: 'me@example.com', outcome: 'accepted', detail: null },
          { to: 'gone@example.com', outcome: 'failed', detail: 'No such user' },
        ],
      });
      expect(sent.map(({ subject, from, headers }) => ({ subject, from, headers }))).toEqual(
        Array(2).fill({ subject: '[Test] Hi Ada', from: { address: 'news@example.com', name: 'News' }, headers: {} }),
      );
      const ledger = await app.db.inTenant(tenant.tenantId, (tx) =>
        rows(tx, 'SELECT id FROM emails WHERE tenant_id = $1 AND step_id = $2', [tenant.tenantId, stepId]),
      );
      expect(ledger).toEqual([]);
    });

    it.each([
      [{ to: [] }],
      [{ to: 'me@example.com' }],
      [{ to: ['me@example.com', 'me@example.com'] }],
      [{ to: ['a@example.com, b@example.com'] }],
      [{ to: ['x@example.com\r\nBcc: y@example.com'] }],
      [{ to: Array.from({ length: 6 }, (_, i) => `m${i}@example.com`) }],
    ])('are not sent to %j (400)', async (body) => {
      expect((await tenant.call('POST', `${path}/test-send`, body)).status).toBe(400);
      expect(sent).toEqual([]);
    });

    it('are not there for a wait, nor sent without a sender (422)', async () => {
      const id = await campaign({ fromEmail: null });
      const [email, wait] = [await add(id, EMAIL), await add(id, WAIT)];
      expect((await tenant.call('POST', `${steps(id)}/${wait.id}/preview`)).status).toBe(422);
      const unsent = await tenant.call('POST', `${steps(id)}/${email.id}/test-send`, { to: ['me@example.com'] });
      expect([unsent.status, faults(unsent.body)]).toEqual([422, ['fromEmail from_email_missing']]);
    });
  });
});
