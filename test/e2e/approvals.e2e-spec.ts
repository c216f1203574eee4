import { CampaignControlService, CampaignLaunchService } from '../../src/modules/campaigns/index.js';
import { systemContext } from '../../src/modules/identity/index.js';
import { rows } from '../../src/database/index.js';
import { ApiClient } from '../support/api-client.js';
import { STAGES, openApprovalOffice, pathsOf, type ApprovalOffice } from '../support/approval-office.js';
import { emailStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** Two people see what goes out, and what goes out is what they saw. */
describe('approvals', () => {
  let app: TestApp;
  let tenantId: ApprovalOffice['tenantId'];
  let owner: ApprovalOffice['owner'];
  let person: ApprovalOffice['person'];
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
    ({ tenantId, owner, person, people, story, segmentId, policy, draft, ask, asked, say, yes, launch } = await openApprovalOffice(app));
  });

  async function approved(id: string): Promise<any> {
    const approval = await asked(id);
    for (const who of ['clara', 'cora', 'adam']) await yes(people[who], approval);
    return approval;
  }
  const mine = async (who: string, status = 'pending') =>
    (await owner.must(200, people[who].get(`/api/approvals?status=${status}`))).data.map(({ campaignId }: any) => campaignId);

  it('go through two stages with their quorums, and then the campaign goes out', async () => {
    await policy();
    const id = await draft();
    const preflight = await owner.must(200, people.manager.get(`/api/campaigns/${id}/preflight`));
    expect([preflight.ready, preflight.errors.map(({ code }: any) => code)]).toEqual([false, ['approval_missing']]);
    expect(await launch(id)).toMatchObject({ status: 409, body: { code: 'approval_required', currentStatus: 'draft' } });
    const approval = await asked(id, { message: 'Please' });
    expect(approval).toMatchObject({
      round: 1,
      status: 'pending',
      message: 'Please',
      audience: { audience: 3, reachable: 3 },
      requestedBy: people.manager.userId,
    });
    expect(approval.warnings.map(({ code }: any) => code)).toContain('sender_not_aligned');
    expect([await mine('clara'), await mine('cora'), await mine('adam'), await mine('anna')]).toEqual([[id], [id], [], []]);
    expect((await say(people.adam, approval, 'approve')).status).toBe(409);
    await people.clara.must(200, say(people.clara, approval, 'approve', { comments: 'Fine' }));
    expect((await say(people.clara, approval, 'approve')).status).toBe(409);
    expect((await launch(id)).body.errors[0].code).toBe('approval_pending');
    expect(await yes(people.cora, approval)).toMatchObject({
      status: 'pending',
      stages: [
        { approved: 2, isOpen: false },
        { approved: 0, isOpen: true },
      ],
    });
    expect([await mine('clara'), await mine('adam'), await mine('clara', 'approved')]).toEqual([[], [id], [id]]);
    expect(await yes(people.adam, approval)).toMatchObject({ status: 'approved', changed: [] });
    expect(await launch(id)).toMatchObject({ status: 200, body: { campaign: { status: 'active' } } });
    const [{ usedAt, decisions }] = (await owner.must(200, people.anna.get(`/api/campaigns/${id}/approvals`))).data;
    expect(usedAt).toBe(app.clock.now().toISOString());
    expect(decisions.map(({ approverId, comments }: any) => [approverId, comments])).toContainEqual([people.clara.userId, 'Fine']);
    const actions = await app.db.asSystem((tx) => rows<{ action: string }>(tx, `SELECT action FROM audit_log WHERE entity_id = $1 AND action LIKE 'approval.%'`, [id])); // prettier-ignore
    expect(actions).toHaveLength(4);
  });

  it('show what was asked for, as it was then: the rehearsal, the audience, the warnings', async () => {
    const id = await draft();
    const { id: policyId } = await policy();
    const asks = await asked(id);
    expect(asks.rehearsal).toMatchObject({ seed: 'approval', audience: { total: 3, reachable: 3, sampled: 3 }, contacts: [] });
    expect(asks.rehearsal.steps[0]).toMatchObject({ type: 'email', entered: 3, sent: 3 });
    await story.importContacts(['more@example.com,More,pro', 'another@example.com,Another,pro']);
    await owner.must(200, owner.patch('/api/tenant', { postalAddress: 'Acme Inc., 2 Main Street' }));
    const { rehearsal, audience, warnings } = await owner.must(200, people.clara.get(`/api/campaigns/${id}/approvals/${asks.id}`));
    expect({ rehearsal, audience, warnings }).toEqual({ rehearsal: asks.rehearsal, audience: asks.audience, warnings: asks.warnings });
    const soonOver = await draft({ campaignType: 'drip', endDate: '2030-01-07T09:00:00Z' });
    await owner.must(204, owner.delete(`/api/approval-policies/${policyId}`));
    await owner.must(200, launch(soonOver));
    await policy();
    app.clock.advance({ hours: 2 });
    const without = await asked(soonOver);
    expect([without.rehearsal, without.warnings.at(-1)]).toEqual([
      null,
      expect.objectContaining({ code: 'rehearsal_missing', path: 'rehearsal' }),
    ]);
  });

  it('do not count once anything has changed: the launch is refused and says what', async () => {
    await policy();
    const id = await draft();
    await approved(id);
    await people.maker.must(200, people.maker.put(`/api/campaigns/${id}/steps`, { steps: [emailStep({ subjectLine: 'Something else' })] }));
    await people.maker.must(200, people.maker.patch(`/api/campaigns/${id}`, { fromName: 'Somebody' }));
    const refused = await launch(id);
    expect([refused.status, refused.body.code, pathsOf(refused)]).toEqual([409, 'approval_required', ['sender', 'steps']]);
    const [shown] = (await owner.must(200, owner.get(`/api/campaigns/${id}/approvals`))).data;
    expect([shown.status, shown.changed]).toEqual(['void', ['sender', 'steps']]);
    const second = await approved(id);
    expect(second.round).toBe(2);
    // The rule of the audience is somebody else's row, and decides who is written to all the same.
    const rules = { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' };
    await owner.must(200, people.maker.patch(`/api/segments/${segmentId}`, { rules }));
    expect(pathsOf(await launch(id))).toEqual(['audience']);
    expect((await launch(id)).status).toBe(409);
  });

  it('may not be one’s own: neither who made, nor who last changed, nor who submitted it decides', async () => {
    await policy({
      stages: [
        { role: 'compliance_officer', quorum: 1 },
        { role: 'admin', quorum: 1 },
      ],
    });
    const manages = await owner.must(201, owner.post('/api/api-keys', { name: 'x', roles: ['owner'], userId: people.adam.userId }));
    const adam = new ApiClient(app.baseUrl, manages.key);
    const id = await draft();
    await adam.must(200, adam.patch(`/api/campaigns/${id}`, { description: 'A word only' }));
    // Nor does he stop being the last who changed it by having a program change it after him.
    const program = await owner.must(201, owner.post('/api/api-keys', { name: 'program', roles: ['campaign_manager'] }));
    await owner.must(200, new ApiClient(app.baseUrl, program.key).patch(`/api/campaigns/${id}`, { description: 'Another word' }));
    expect(await ask(id)).toMatchObject({ status: 422, body: { errors: [{ path: 'stages', code: 'too_few_approvers' }] } });
    const boss = await owner.must(201, owner.post('/api/users', { email: 'boss@acme.example', name: 'Boss', role: 'admin' }));
    const { key } = await owner.must(201, owner.post('/api/api-keys', { name: 'boss', roles: ['admin'], userId: boss.id }));
    const approval = await asked(id);
    await yes(people.clara, approval);
    expect(await say(people.adam, approval, 'approve')).toMatchObject({ status: 403, body: { code: 'four_eyes' } });
    expect(await say(people.adam, approval, 'reject', { comments: 'no' })).toMatchObject({ status: 403 });
    await yes(new ApiClient(app.baseUrl, key), approval);
    const made = await adam.must(
      201,
      adam.post('/api/campaigns', { name: 'Mine', campaignType: 'broadcast', segmentId, fromEmail: 'a@acme.example', fromName: 'A' }),
    );
    await owner.must(200, people.maker.put(`/api/campaigns/${made.id}/steps`, { steps: [emailStep()] }));
    const ofMine = await owner.must(201, ask(made.id));
    await yes(people.clara, ofMine);
    expect(await say(people.adam, ofMine, 'approve')).toMatchObject({ status: 403, body: { code: 'four_eyes' } });
    // Nor by the mouth of another: a key that he makes in her name does not count there, and does elsewhere.
    const hers = await adam.must(
      201,
      adam.post('/api/api-keys', { name: 'hers', roles: ['compliance_officer'], userId: people.cora.userId }),
    );
    const asCora = new ApiClient(app.baseUrl, hers.key);
    expect(await say(asCora, ofMine, 'approve')).toMatchObject({ status: 403, body: { code: 'four_eyes' } });
    const ofOthers = await asked(await draft());
    expect(await say(asCora, ofOthers, 'approve')).toMatchObject({ status: 200 });
  });

  it('may not be of one’s own content either: a template’s author and whoever last set a segment are heard as little', async () => {
    await policy({ stages: [{ role: 'admin', quorum: 1 }] });
    await person('boss', 'admin');
    const adam = await owner.must(201, owner.post('/api/api-keys', { name: 'all', roles: ['owner'], userId: people.adam.userId }));
    const writer = new ApiClient(app.baseUrl, adam.key);
    const content = { contentFormat: 'html', content: '<p>Hello</p>' };
    const template = await owner.must(201, people.maker.post('/api/templates', { name: 'News', subjectLine: 'Hi', ...content }));
    const list = await owner.must(201, people.maker.post('/api/segments', { name: 'Some', type: 'static' }));
    const member = { contactIds: [await story.contactId('person1@example.com')] };
    await owner.must(200, people.maker.post(`/api/segments/${list.id}/members`, member));
    const rules = { all: [{ type: 'segment', segmentId: list.id }] };
    const audience = await owner.must(201, people.maker.post('/api/segments', { name: 'Those', type: 'dynamic', rules }));
    const steps = [{ stepType: 'email', templateId: template.id }];
    const id = await story.campaign({ segmentId: audience.id }, steps);
    const says = async (by: ApiClient): Promise<unknown> => {
      const approval = await asked(id);
      const { status, body } = await say(by, approval, 'approve');
      if (status !== 200) await owner.must(200, say(people.maker, approval, 'withdraw'));
      return status === 200 ? 200 : body.code;
    };
    const { key } = await owner.must(201, owner.post('/api/api-keys', { name: 'program', roles: ['campaign_manager'] }));
    const program = new ApiClient(app.baseUrl, key);
    const edits: [string, string, object][] = [
      ['patch', `/api/templates/${template.id}`, { content: '<p>His words</p>' }],
      ['patch', `/api/segments/${audience.id}`, { rules: { any: [{ type: 'segment', segmentId: list.id }] } }],
      ['post', `/api/segments/${list.id}/members`, { contactIds: [await story.contactId('person2@example.com')] }],
    ];
    for (const [method, path, body] of edits) {
      await owner.must(200, writer.call(method.toUpperCase(), path, body));
      expect([path, await says(people.adam)]).toEqual([path, 'four_eyes']);
      // A program that changes it after him does not hide him.
      if (method === 'patch') {
        const own = path.startsWith('/api/templates')
          ? { content: '<p>A program’s words</p>' }
          : { rules: { any: [...rules.all, ...rules.all] } };
        await owner.must(200, program.patch(path, own));
        expect([path, await says(people.adam)]).toEqual([path, 'four_eyes']);
      }
      // Once somebody else has had the last word it is theirs.
      const undo = { templates: { content: '<p>Other words</p>' }, segments: { rules: { all: [...rules.all] } } };
      if (method === 'patch') await owner.must(200, people.maker.patch(path, undo[path.split('/')[2] as 'templates' | 'segments']));
      else await owner.must(200, people.maker.call('DELETE', path, body));
    }
    // A name is nothing that is sent.
    await owner.must(200, writer.patch(`/api/templates/${template.id}`, { name: 'Renamed' }));
    await owner.must(200, writer.patch(`/api/segments/${audience.id}`, { name: 'Renamed' }));
    expect([await says(people.adam), (await launch(id)).status]).toEqual([200, 200]);
  });

  it('are given by who somebody is at that moment: not by a role that was lost, nor by a user who was disabled', async () => {
    await policy({ stages: [{ role: 'compliance_officer', quorum: 2 }] });
    const chris = await person('chris', 'compliance_officer');
    const id = await draft();
    const approval = await asked(id);
    await owner.must(200, owner.patch(`/api/users/${people.clara.userId}`, { role: 'analyst' }));
    expect(await say(people.clara, approval, 'approve')).toMatchObject({ status: 403, body: { code: 'not_an_approver' } });
    expect(await mine('clara')).toEqual([]);
    await yes(people.cora, approval);
    await owner.must(200, owner.patch(`/api/users/${chris.userId}`, { disabled: true }));
    expect((await say(chris, approval, 'approve')).status).toBe(401);
    await owner.must(200, owner.patch(`/api/users/${people.clara.userId}`, { role: 'compliance_officer' }));
    expect((await yes(people.clara, approval)).status).toBe('approved');
    // They were entitled when they said it: what they do today takes nothing back.
    await owner.must(200, owner.patch(`/api/users/${people.clara.userId}`, { disabled: true }));
    expect((await launch(id)).status).toBe(200);
  });

  it('are refused with words, and asked for again in another round', async () => {
    await policy();
    const id = await draft();
    const first = await asked(id);
    expect(await ask(id)).toMatchObject({ status: 409, body: { currentStatus: 'pending' } });
    expect((await say(people.clara, first, 'reject')).status).toBe(400);
    expect((await say(people.clara, first, 'reject', { comments: '  ' })).status).toBe(400);
    await owner.must(200, say(people.clara, first, 'reject', { comments: 'Wrong price' }));
    expect(await say(people.cora, first, 'approve')).toMatchObject({ status: 409, body: { currentStatus: 'rejected' } });
    expect((await launch(id)).body.detail).toContain('Wrong price');
    await people.maker.must(200, people.maker.patch(`/api/campaigns/${id}`, { name: 'Right price' }));
    expect((await approved(id)).round).toBe(2);
    expect((await launch(id)).status).toBe(200);
    const { data } = await owner.must(200, owner.get(`/api/campaigns/${id}/approvals`));
    expect(data.map(({ round, status }: any) => [round, status])).toEqual([
      [2, 'approved'],
      [1, 'rejected'],
    ]);
    expect(data[1].decisions.map(({ status, comments }: any) => [status, comments])).toEqual([
      ['rejected', 'Wrong price'],
      ...Array.from({ length: data[1].decisions.length - 1 }, () => ['void', null]),
    ]);
  });

  it('cannot be gone round: not by a schedule, a copy, a start by itself, a key without a user, or resuming something else', async () => {
    await policy();
    const id = await draft({ sendStrategy: 'scheduled', startDate: '2030-02-01T09:00:00Z' });
    expect((await launch(id, 'schedule')).status).toBe(409);
    await approved(id);
    expect((await launch(id, 'schedule')).status).toBe(200);
    const copy = await people.maker.must(201, people.maker.post(`/api/campaigns/${id}/clone`));
    expect((await launch(copy.id, 'schedule')).body.errors[0].code).toBe('approval_missing');
    await people.maker.must(200, people.maker.patch(`/api/campaigns/${id}`, { replyToEmail: 'other@acme.example' }));
    expect(await app.app.get(CampaignLaunchService).launchScheduled(tenantId, id)).toBeNull();
    expect(await story.get(id)).toMatchObject({ status: 'draft', launchState: 'failed', launchError: expect.stringContaining('sender') });
    const { key } = await owner.must(201, owner.post('/api/api-keys', { name: 'robot', roles: ['admin'] }));
    expect(await ask(id, undefined, new ApiClient(app.baseUrl, key))).toMatchObject({ status: 403, body: { code: 'approver_unknown' } });

    const live = await draft();
    await approved(live);
    await owner.must(200, launch(live));
    await owner.must(200, launch(live, 'pause'));
    await owner.must(200, launch(live, 'resume'));
    await owner.must(200, launch(live, 'pause'));
    await app.db.asSystem((tx) => rows(tx, `UPDATE campaign_steps SET subject_line = 'Slipped in' WHERE campaign_id = $1`, [live]));
    expect(await launch(live, 'resume')).toMatchObject({ status: 409, body: { code: 'approval_void', changed: ['steps'] } });
    const control = app.app.get(CampaignControlService);
    await expect(control.resume(systemContext(tenantId), live, 'catch_up')).rejects.toThrow('no longer what was approved');
    expect((await story.get(live)).status).toBe('paused');
  });

  it('hold for whom a running campaign still takes in: the rule of its audience stays what was approved', async () => {
    await policy({ stages: [{ role: 'admin', quorum: 1 }] });
    const id = await draft();
    await yes(people.adam, await asked(id));
    await owner.must(200, launch(id));
    // No worker runs here: the audience is still to be enrolled.
    const rule = (value: string) => ({ rules: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value } });
    const rewrite = (value: string) => people.maker.patch(`/api/segments/${segmentId}`, rule(value));
    expect(await rewrite('pro')).toMatchObject({ status: 409, body: { code: 'audience_approved', campaignId: id } });
    await owner.must(200, launch(id, 'pause'));
    await owner.must(200, rewrite('free'));
    expect(await launch(id, 'resume')).toMatchObject({ status: 409, body: { changed: ['audience'] } });
    await yes(people.adam, await asked(id));
    expect((await launch(id, 'resume')).status).toBe(200);
    expect((await rewrite('pro')).status).toBe(409);
    await app.db.asSystem((tx) => rows(tx, `UPDATE campaigns SET launch_state = 'enrolled' WHERE id = $1`, [id]));
    expect((await rewrite('pro')).status).toBe(200);
  });

  it('are needed for another version of a campaign under way as well, and not for the way back', async () => {
    const id = await draft({ campaignType: 'drip' });
    expect((await launch(id)).status).toBe(200);
    await policy();
    const versions = `/api/campaigns/${id}/versions`;
    const { maker, manager } = people;
    await maker.must(201, maker.post(versions));
    const rewrite = (subjectLine: string) => maker.must(200, maker.put(`${versions}/2/steps`, { steps: [emailStep({ subjectLine })] }));
    const publish = () => manager.post(`${versions}/2/publish`, { policy: 'new_contacts_only' });
    await rewrite('Second thoughts');
    expect(await publish()).toMatchObject({ status: 409, body: { code: 'approval_required', errors: [{ code: 'approval_missing' }] } });
    expect(await ask(id, { version: 7 })).toMatchObject({ status: 422, body: { errors: [{ path: 'version' }] } });
    const approve = async () => {
      const approval = await asked(id, { version: 2 });
      for (const who of ['clara', 'cora', 'adam']) await yes(people[who], approval);
    };
    await approve();
    await rewrite('Third thoughts');
    const refused = await publish();
    expect([refused.status, pathsOf(refused)]).toEqual([409, ['steps']]);
    await approve();
    expect((await publish()).status).toBe(200);
    expect((await manager.post(`${versions}/2/rollback`, { policy: 'new_contacts_only' })).status).toBe(200);
  });

  it('are needed as the policies say: by type and size; and free to be asked for elsewhere', async () => {
    const large = await policy({ campaignTypes: ['broadcast'], minAudience: 4, stages: [{ role: 'admin', quorum: 1 }] });
    const small = await draft();
    expect(await ask(small)).toMatchObject({ status: 422, body: { errors: [{ path: 'stages', code: 'stages_missing' }] } });
    const free = await asked(small, {
      stages: [{ role: 'compliance_officer', quorum: 1 }],
      approvers: [{ role: 'compliance_officer', userIds: [people.cora.userId] }],
    });
    expect(await say(people.clara, free, 'approve')).toMatchObject({ status: 403, body: { code: 'not_an_approver' } });
    expect(await launch(small)).toMatchObject({ status: 409, body: { errors: [{ code: 'approval_pending' }] } });
    expect(await owner.must(200, say(people.maker, free, 'withdraw'))).toMatchObject({ status: 'withdrawn' });
    await story.importContacts(['more@example.com,More,pro']);
    expect((await launch(small)).status).toBe(409);
    await yes(people.adam, await asked(small));
    const asksMore = {
      stages: [
        { role: 'admin', quorum: 1 },
        { role: 'compliance_officer', quorum: 1 },
      ],
    };
    const { status, headers } = await owner.get(`/api/approval-policies/${large.id}`);
    expect(status).toBe(200);
    await owner.must(200, owner.patch(`/api/approval-policies/${large.id}`, asksMore, { 'if-match': headers.get('etag')! }));
    expect((await launch(small)).body.errors[0].code).toBe('approval_missing');
    expect((await owner.patch(`/api/approval-policies/${large.id}`, { name: 'x' }, { 'if-match': '"old"' })).status).toBe(412);
    await owner.must(204, owner.delete(`/api/approval-policies/${large.id}`));
    expect((await launch(small)).status).toBe(200);
  });

  it('are nobody else’s business, and not everybody’s within', async () => {
    const { id: policyId } = await policy();
    const id = await draft();
    const approval = await asked(id);
    const { api: stranger } = await app.tenant('Other');
    const strange = [
      stranger.get(`/api/campaigns/${id}/approvals`),
      stranger.post(`/api/campaigns/${id}/approvals`),
      stranger.get(`/api/campaigns/${id}/approvals/${approval.id}`),
      say(stranger, approval, 'approve'),
      say(stranger, approval, 'reject', { comments: 'x' }),
      say(stranger, approval, 'withdraw'),
      stranger.get(`/api/approval-policies/${policyId}`),
      stranger.patch(`/api/approval-policies/${policyId}`, { name: 'x' }),
      stranger.delete(`/api/approval-policies/${policyId}`),
    ];
    expect((await Promise.all(strange)).map(({ status }) => status)).toEqual(strange.map(() => 404));
    const { anna, manager } = people;
    expect((await stranger.must(200, stranger.get('/api/approvals'))).data).toEqual([]);
    expect((await say(anna, approval, 'approve')).status).toBe(403);
    expect((await ask(id, undefined, anna)).status).toBe(403);
    expect((await say(manager, approval, 'approve')).status).toBe(403);
    expect((await manager.post('/api/approval-policies', { name: 'Mine', stages: STAGES })).status).toBe(403);
    const elsewhere = await draft();
    expect((await people.clara.get(`/api/campaigns/${elsewhere}/approvals/${approval.id}`)).status).toBe(404);
  });

  it('refuse policies that could not be followed, and say where', async () => {
    const wrong: [object, string][] = [
      [{ stages: STAGES }, 'name'],
      [{ name: 'x' }, 'stages'],
      [{ name: 'x', stages: [] }, 'stages'],
      [{ name: 'x', stages: [{ role: 'viewer', quorum: 1 }] }, 'stages[0].role'],
      [{ name: 'x', stages: [{ role: 'admin', quorum: 0 }] }, 'stages[0].quorum'],
      [{ name: 'x', stages: [STAGES[0], STAGES[0]] }, 'stages'],
      [{ name: 'x', stages: STAGES, minAudience: -1 }, 'minAudience'],
      [{ name: 'x', stages: STAGES, campaignTypes: ['nonsense'] }, 'campaignTypes'],
      [{ name: 'x', stages: STAGES, tenantId: 'y' }, 'tenantId'],
    ];
    for (const [body, path] of wrong) {
      const answer = await owner.post('/api/approval-policies', body);
      expect([body, answer.status, answer.body.errors[0].path]).toEqual([body, 400, path]);
    }
  });
});
