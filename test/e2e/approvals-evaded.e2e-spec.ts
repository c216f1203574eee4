import { rows } from '../../src/database/index.js';
import { openApprovalOffice, pathsOf, type ApprovalOffice } from '../support/approval-office.js';
import { emailStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** Whoever wants to mail what nobody approved has tried all of this. */
describe('ways round an approval', () => {
  let app: TestApp;
  let owner: ApprovalOffice['owner'];
  let people: ApprovalOffice['people'];
  let story: ApprovalOffice['story'];
  let segmentId: ApprovalOffice['segmentId'];
  let policy: ApprovalOffice['policy'];
  let draft: ApprovalOffice['draft'];
  let ask: ApprovalOffice['ask'];
  let asked: ApprovalOffice['asked'];
  let say: ApprovalOffice['say'];
  let yes: ApprovalOffice['yes'];
  let launch: ApprovalOffice['launch'];

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api' } });
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    ({ owner, people, story, segmentId, policy, draft, ask, asked, say, yes, launch } = await openApprovalOffice(app));
  });

  const ONE = { stages: [{ role: 'admin', quorum: 1 }] };
  const granted = async (id: string) => yes(people.adam, await asked(id));
  /** What each way out is answered: the code of the first thing in its way. */
  const WAYS: [string, string | undefined, (id: string) => Promise<any>][] = [
    ['launch', 'approval_missing', async () => launch(await draft())],
    [
      'schedule',
      'approval_missing',
      async () => launch(await draft({ sendStrategy: 'scheduled', startDate: '2030-02-01T09:00:00Z' }), 'schedule'),
    ],
    ['resume of what was never launched', undefined, async () => launch(await draft(), 'resume')],
    ['copy', 'approval_missing', async (id) => launch((await owner.must(201, people.maker.post(`/api/campaigns/${id}/clone`))).id)],
    [
      'export and import',
      'approval_missing',
      async (id) => {
        const file = await owner.must(200, people.maker.get(`/api/campaigns/${id}/export`));
        return launch((await owner.must(201, people.maker.post('/api/campaigns/import?onConflict=reuse', file))).campaign.id);
      },
    ],
    [
      'second try after a no',
      'approval_rejected',
      async () => {
        const again = await draft();
        await owner.must(200, say(people.adam, await asked(again), 'reject', { comments: 'no' }));
        return launch(again);
      },
    ],
    [
      'second try after taking it back',
      'approval_missing',
      async () => {
        const again = await draft();
        await owner.must(200, say(people.maker, await asked(again), 'withdraw'));
        return launch(again);
      },
    ],
    [
      'template changed after the approval',
      'approval_void',
      async () => {
        const template = await owner.must(
          201,
          people.maker.post('/api/templates', { name: 'T', content: '<p>a</p>', contentFormat: 'html' }),
        );
        const uses = await story.campaign({ segmentId }, [{ stepType: 'email', subjectLine: 'x', templateId: template.id }]);
        await granted(uses);
        await owner.must(200, people.maker.patch(`/api/templates/${template.id}`, { content: '<p>b</p>' }));
        return launch(uses);
      },
    ],
    [
      'people imported after the approval',
      'approval_void',
      async () => {
        const small = await draft();
        await granted(small);
        await story.importContacts(['x1@example.com,X,pro', 'x2@example.com,X,pro']);
        return launch(small);
      },
    ],
    [
      'members put on a list after the approval',
      'approval_void',
      async () => {
        const list = await owner.must(201, people.maker.post('/api/segments', { name: 'List', type: 'static' }));
        const add = async (name: string) =>
          owner.must(
            200,
            people.maker.post(`/api/segments/${list.id}/members`, { contactIds: [await story.contactId(`${name}@example.com`)] }),
          );
        await add('person1');
        const few = await draft({ segmentId: list.id });
        await granted(few);
        await add('person2');
        await add('person3');
        return launch(few);
      },
    ],
  ];

  it.each(WAYS)('lead nowhere: %s', async (_, code, way) => {
    await policy(ONE);
    const approvedOne = await draft();
    await granted(approvedOne);
    const answer = await way(approvedOne);
    expect([answer.status, answer.body.errors?.[0]?.code]).toEqual([409, code]);
  });

  it('are not a larger audience: it is approved again, and by hand nobody is put in beyond it', async () => {
    await policy(ONE);
    const id = await draft();
    await granted(id);
    expect((await ask(id)).status).toBe(409);
    await story.importContacts(['x1@example.com,X,pro', 'x2@example.com,X,pro']);
    expect((await owner.must(200, people.manager.get(`/api/campaigns/${id}/preflight`))).errors).toMatchObject([
      { code: 'approval_void', path: 'audience', message: expect.stringContaining('from 3 to 5') },
    ]);
    await granted(id);
    await owner.must(200, launch(id));
    await app.db.asSystem((tx) => rows(tx, `UPDATE campaigns SET launch_state = 'enrolled', total_contacts = 5 WHERE id = $1`, [id]));
    await story.importContacts(['x3@example.com,X,pro', 'x4@example.com,X,pro']);
    const enrol = async (name: string) =>
      people.manager.post(`/api/campaigns/${id}/contacts`, { contactIds: [await story.contactId(`${name}@example.com`)] });
    expect((await enrol('x3')).status).toBe(201);
    expect(await enrol('x4')).toMatchObject({ status: 409, body: { code: 'audience_outgrown' } });
    expect((await owner.must(200, people.manager.get(`/api/campaigns/${id}/contacts`))).data).toHaveLength(1);
  });

  it('are not a small audience that is made large by hand once it runs', async () => {
    await policy({ ...ONE, minAudience: 5 });
    const id = await draft();
    await owner.must(200, launch(id));
    await app.db.asSystem((tx) => rows(tx, `UPDATE campaigns SET launch_state = 'enrolled', total_contacts = 3 WHERE id = $1`, [id]));
    await story.importContacts(['x1@example.com,X,pro', 'x2@example.com,X,pro']);
    const enrol = async (name: string) =>
      people.manager.post(`/api/campaigns/${id}/contacts`, { contactIds: [await story.contactId(`${name}@example.com`)] });
    expect((await enrol('x1')).status).toBe(201);
    expect(await enrol('x2')).toMatchObject({
      status: 409,
      body: { code: 'audience_outgrown', detail: expect.stringContaining('5 people') },
    });
    expect((await owner.must(200, people.manager.get(`/api/campaigns/${id}/contacts`))).data).toHaveLength(1);
  });

  it('are not edits of a live campaign, nor the winner of a test: that is one of the approved variants', async () => {
    await policy(ONE);
    const variants = [{ name: 'A' }, { name: 'B', subjectLine: 'Other' }];
    const abTest = { metric: 'open', testShare: 0.5 };
    const id = await story.campaign({ segmentId, campaignType: 'ab_test' }, [emailStep({ variants, abTest })]);
    await granted(id);
    await owner.must(200, launch(id));
    const [step] = (await owner.must(200, owner.get(`/api/campaigns/${id}/steps`))).data;
    const path = `/api/campaigns/${id}/steps/${step.id}`;
    const { maker } = people;
    const edits = {
      campaign: await maker.patch(`/api/campaigns/${id}`, { fromName: 'Other' }),
      steps: await maker.put(`/api/campaigns/${id}/steps`, { steps: [emailStep()] }),
      more: await maker.post(`/api/campaigns/${id}/steps`, emailStep()),
      step: await maker.patch(path, { subjectLine: 'Other' }),
      removal: await maker.delete(path),
      order: await maker.put(`/api/campaigns/${id}/steps/order`, { stepIds: [step.id] }),
      variant: await maker.post(`${path}/variants`, { name: 'C', subjectLine: 'New' }),
      words: await maker.patch(`${path}/variants/${step.variants[1].id}`, { subjectLine: 'New' }),
    };
    expect(Object.entries(edits).map(([what, { status }]) => `${what} ${status}`)).toEqual(Object.keys(edits).map((what) => `${what} 409`));
    const choose = (variantId: string) => people.manager.post(`${path}/winner`, { variantId });
    expect((await choose(step.id)).status).toBe(422);
    expect((await choose(step.variants[1].id)).status).toBe(200);
    await owner.must(200, launch(id, 'pause'));
    expect((await launch(id, 'resume')).status).toBe(200);
  });

  describe('of doing two things at the same moment', () => {
    it('do not make two people out of one who says yes twenty times', async () => {
      await policy({ stages: [{ role: 'compliance_officer', quorum: 2 }] });
      const approval = await asked(await draft());
      const answers = await Promise.all(Array.from({ length: 20 }, () => say(people.clara, approval, 'approve')));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 409)]);
      const shown = await owner.must(200, owner.get(`/api/campaigns/${approval.campaignId}/approvals/${approval.id}`));
      expect([shown.status, shown.stages[0].approved]).toEqual(['pending', 1]);
    });

    it('do not slip an edit in beside the yes: either comes first, and what was not approved stays', async () => {
      await policy({ stages: [{ role: 'admin', quorum: 1 }] });
      for (let round = 0; round < 8; round++) {
        const id = await draft();
        const approval = await asked(id);
        const edit = () => people.maker.patch(`/api/campaigns/${id}`, { fromName: 'Slipped in' });
        const approve = () => say(people.adam, approval, 'approve');
        const [first, second] = await Promise.all(round % 2 ? [edit(), approve()] : [approve(), edit()]);
        const [approving, editing] = round % 2 ? [second, first] : [first, second];
        expect([editing.status, [200, 409]]).toEqual([200, expect.arrayContaining([approving.status])]);
        const refused = await launch(id);
        expect([refused.status, pathsOf(refused)]).toEqual([409, ['sender']]);
      }
    });

    it('do not slip an edit in beside the launch: what goes out is what was approved, or nothing does', async () => {
      await policy({ stages: [{ role: 'admin', quorum: 1 }] });
      for (let round = 0; round < 8; round++) {
        const words = { content: `<p>approved ${round}</p>`, contentFormat: 'html' };
        const template = await owner.must(201, people.maker.post('/api/templates', { name: `T${round}`, ...words }));
        const audience = await story.segment();
        const id = await story.campaign({ segmentId: audience }, [{ stepType: 'email', subjectLine: 'x', templateId: template.id }]);
        await yes(people.adam, await asked(id));
        const edits = [
          () => people.maker.patch(`/api/templates/${template.id}`, { content: '<p>slipped in</p>' }),
          () => people.maker.patch(`/api/campaigns/${id}`, { fromName: 'Slipped in' }),
          () => people.maker.patch(`/api/segments/${audience}`, { rules: { any: [{ all: [] }] } }),
        ];
        const [launched, edited] = await Promise.all([launch(id), edits[round % 3]()]);
        const [stored] = await app.db.asSystem((tx) =>
          rows<object>(
            tx,
            `SELECT c.status, c.from_name AS sender, tv.content FROM campaigns c JOIN campaign_steps s ON s.tenant_id = c.tenant_id AND s.campaign_id = c.id
               LEFT JOIN template_versions tv ON tv.tenant_id = s.tenant_id AND tv.template_id = s.template_id AND tv.version = s.template_version WHERE c.id = $1`,
            [id],
          ),
        );
        if (launched.status === 200) expect(stored).toEqual({ status: 'active', sender: 'Acme News', content: words.content });
        else expect([launched.status, stored]).toEqual([409, expect.objectContaining({ status: 'draft' })]);
        // A template may change at any time; what is approved and out may not.
        if (round % 3 > 0) expect([launched.status, edited.status].sort()).toEqual([200, 409]);
      }
    });
  });
});
