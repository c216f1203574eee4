import { DeliveryService } from '../../src/modules/delivery/index.js';
import { AudienceEnrollment } from '../../src/modules/enrollment/index.js';
import { StepEngine } from '../../src/modules/execution/index.js';
import { ExperimentsService } from '../../src/modules/experiments/index.js';
import { StepHandlers } from '../../src/modules/execution/step-handlers.js';
import { TriggerEvents } from '../../src/modules/triggers/index.js';
import { TrackingService } from '../../src/modules/tracking/index.js';
import { emailStep, Story, waitStep } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LONG = { maxMs: 30_000 };
const PEOPLE = 16;
const ZONES = ['', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Australia/Sydney'];
const action = (ref: string, actionConfig: unknown, over: object = {}) => ({ ref, stepType: 'action', actionConfig, ...over });

/** Every kind of step, with branches that depend on reactions, on attributes, on what actions changed, on lots and on events. */
const flowOf = (listId: string) => [
  emailStep({ ref: 'welcome' }),
  waitStep(1, 'days'),
  {
    stepType: 'condition',
    conditionRules: { type: 'email_opened', stepId: 'welcome' },
    trueNextRef: 'plans',
    falseNextRef: 'nudge',
  },
  {
    ref: 'nudge',
    stepType: 'wait_for',
    conditionRules: { type: 'email_clicked' },
    waitDuration: { value: 2, unit: 'days' },
    trueNextRef: 'plans',
    falseNextRef: 'lot',
  },
  {
    ref: 'plans',
    stepType: 'condition',
    splitConfig: {
      type: 'rules',
      branches: [
        { name: 'Pro', rules: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' }, nextRef: 'pro' },
        { name: 'Free', rules: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'free' }, nextRef: 'free' },
      ],
      elseNextRef: 'score',
    },
  },
  action('pro', { type: 'add_tag', tag: 'pro' }, { nextRef: 'lot' }),
  action('free', { type: 'set_attribute', attribute: 'nurture', value: 'yes' }, { nextRef: 'lot' }),
  action('score', { type: 'adjust_lead_score', by: 60 }),
  {
    ref: 'lot',
    stepType: 'condition',
    splitConfig: {
      type: 'random',
      branches: [
        { weight: 40, nextRef: 'renewal' },
        { weight: 60, nextRef: 'morning' },
      ],
    },
  },
  {
    ref: 'renewal',
    stepType: 'wait',
    waitUntil: { attribute: 'renews', offset: { value: -3, unit: 'days' }, timeOfDay: { from: '09:00' } },
    nextRef: 'second',
  },
  waitStep(2, 'days', { ref: 'morning', waitUntil: { timeOfDay: { from: '09:00', to: '17:00', weekdays: [1, 2, 3, 4, 5] } } }),
  emailStep({ ref: 'second', variants: [{ name: 'A' }, { name: 'B', weight: 2, subjectLine: 'Other' }] }),
  {
    ref: 'order',
    stepType: 'wait_for',
    waitEvent: { name: 'order_placed' },
    waitDuration: { value: 10, unit: 'days' },
    trueNextRef: 'bought',
    falseNextRef: 'list',
  },
  action('list', { type: 'add_to_segment', segmentId: listId }),
  {
    stepType: 'condition',
    conditionRules: {
      all: [
        { type: 'segment', segmentId: listId },
        {
          any: [
            { type: 'tag', tag: 'pro' },
            { type: 'lead_score', threshold: 50 },
          ],
        },
      ],
    },
    trueNextRef: 'third',
    falseNextRef: null,
  },
  emailStep({ ref: 'third', isEnd: true }),
  action('bought', { type: 'exit', reason: 'goal' }),
];

async function firstOf<T, R>(candidates: T[], attempt: (candidate: T) => Promise<R | null>): Promise<R> {
  for (const candidate of candidates) {
    const result = await attempt(candidate);
    if (result !== null) return result;
  }
  throw new Error('none of the candidates will do');
}

interface Course {
  visits: [stepId: string, at: string][];
  sent: [stepId: string, at: string][];
  end: [reason: string, at: string] | null;
}

describe('a rehearsal on a real database', () => {
  let app: TestApp;
  let story: Story;
  let tenantId: string;

  beforeAll(async () => {
    app = await startTestApp({ env: { ROLES: 'api', MAIL_PROVIDER: 'null' } });
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    app.clock.set('2030-03-26T08:00:00Z');
    const tenant = await app.tenant();
    tenantId = tenant.tenantId;
    story = new Story(app, tenant.api);
  });

  const sql: TestApp['sql'] = (text, params) => app.sql(text, params);
  const simulate = (id: string, body: object = {}) => story.api.must(200, story.api.post(`/api/campaigns/${id}/simulate`, body));
  const importPeople = (count = PEOPLE) =>
    story.importContacts(
      Array.from({ length: count }, (_, i) => {
        const renews = ['', '2030-04-20', '2029-01-01', 'soon', '2030-05-02T18:30'][i % 5];
        return `p${i}@e.com,${ZONES[i % ZONES.length]},${['pro', 'free', ''][i % 3]},${renews}`;
      }),
      'email,timezone,plan,renews',
    );

  /** Lets the real campaign run to its end, people doing at each moment what the rehearsal says that they do. */
  async function live(id: string, contacts: any[]): Promise<Map<string, Course>> {
    const courses = new Map<string, Course>(contacts.map(({ contactId }) => [contactId, { visits: [], sent: [], end: null }]));
    const restore = watchArrivals((contactId, stepId, at) => courses.get(contactId)!.visits.push([stepId, at.toISOString()]));
    const facts = contacts
      .flatMap(({ contactId, visits, events }) => [
        ...visits.flatMap(({ stepId, reactions }: any) =>
          reactions.map(({ type, at }: any) => ({ contactId, stepId, type, at: new Date(at) })),
        ),
        ...events.map(({ type, at }: any) => ({ contactId, stepId: null, type, at: new Date(at) })),
      ])
      .sort((a, b) => a.at.getTime() - b.at.getTime());
    await story.launch(id);
    await app.app.get(AudienceEnrollment).enrollCampaign(tenantId, id, LONG);
    for (;;) {
      while (facts.length > 0 && facts[0].at <= app.clock.now()) await happen(id, facts.shift()!);
      const { released } = await app.app.get(ExperimentsService).runOnce();
      await app.app.get(StepEngine).advanceCampaign(tenantId, id, LONG);
      const { sent } = await app.app.get(DeliveryService).deliverCampaign(tenantId, id, LONG);
      if (sent + released > 0) continue;
      const [{ next }] = await sql(
        `SELECT least((SELECT min(next_email_scheduled_at) FROM campaign_contacts WHERE campaign_id = $1 AND status IN ('enrolled', 'active')),
                      (SELECT min(due_at) FROM emails WHERE campaign_id = $1 AND status = 'queued'),
                      (SELECT min(next_look_at) FROM ab_decisions WHERE campaign_id = $1 AND status = 'testing')) AS next`,
        [id],
      );
      if (next === null) break;
      const fact = facts[0]?.at ?? null;
      app.clock.set(fact && fact < next ? fact : next);
    }
    restore();
    for (const { contact_id, step_id, sent_at } of await sql(
      `SELECT contact_id, step_id, sent_at FROM emails WHERE campaign_id = $1 AND sent_at IS NOT NULL ORDER BY sent_at`,
      [id],
    ))
      courses.get(contact_id)!.sent.push([step_id, sent_at.toISOString()]);
    for (const { contact_id, status, exit_reason, at } of await sql(
      `SELECT contact_id, status, exit_reason, coalesce(completed_at, exited_at) AS at FROM campaign_contacts WHERE campaign_id = $1`,
      [id],
    ))
      courses.get(contact_id)!.end = [status === 'completed' ? 'completed' : exit_reason, at.toISOString()];
    return courses;
  }

  /** Tells who comes to which step of the real engine, and when. */
  function watchArrivals(arrived: (contactId: string, stepId: string, at: Date) => void): () => void {
    const handlers = app.app.get(StepHandlers).byType as Record<string, StepHandlers['byType']['email']>;
    const originals = { ...handlers };
    for (const [type, handle] of Object.entries(originals)) {
      handlers[type] = (run, step, group) => {
        for (const { enrollment, enteredAt } of group) if (!enteredAt) arrived(enrollment.contactId, step.id, run.now);
        return handle(run, step, group);
      };
    }
    return () => Object.assign(handlers, originals);
  }

  async function happen(campaignId: string, fact: { contactId: string; stepId: string | null; type: string; at: Date }): Promise<void> {
    if (fact.stepId === null) {
      const event = { name: fact.type, contactId: fact.contactId, occurredAt: fact.at.toISOString() };
      await story.api.must(200, story.api.post('/api/events', event));
      while (await app.app.get(TriggerEvents).applyOnce());
      return;
    }
    const [{ id: emailId }] = await sql(`SELECT id FROM emails WHERE campaign_id = $1 AND contact_id = $2 AND step_id = $3`, [
      campaignId,
      fact.contactId,
      fact.stepId,
    ]);
    const { type, at: occurredAt } = fact as { type: 'opened'; at: Date };
    const dedupeKey = `${emailId}:${type}`;
    const tracking = app.app.get(TrackingService, { strict: false });
    await app.db.inTenant(tenantId, (tx) => tracking.append(tx, tenantId, [{ emailId, type, source: 'sendgrid', occurredAt, dedupeKey }]));
    await app.app.get(DeliveryService).applyEvents(100);
  }

  /** Runs the campaign and compares, for everybody, every arrival, every message and the end with what the rehearsal said. */
  async function expectAgreement(id: string, rehearsal: any): Promise<void> {
    const courses = await live(id, rehearsal.contacts);
    for (const { contactId, visits, end } of rehearsal.contacts) {
      const foreseen: Course = {
        visits: visits.map(({ stepId, at }: any) => [stepId, at]),
        sent: visits.filter(({ what }: any) => what === 'sent').map(({ stepId, leftAt }: any) => [stepId, leftAt]),
        end: [end.reason, end.at],
      };
      expect(courses.get(contactId)).toEqual(foreseen);
    }
  }

  it('and the real run agree contact by contact: who comes to which step when, what is sent when, and how it ends', async () => {
    await importPeople();
    const { id: listId } = await story.api.must(201, story.api.post('/api/segments', { name: 'List', type: 'static' }));
    const id = await story.campaign(
      { campaignType: 'drip', sendWindow: { from: '08:00', to: '20:00' }, timezone: 'Europe/Berlin' },
      flowOf(listId),
    );
    // People's ids are new in every run: a seed is looked for by which every way is taken by somebody, or the comparison would prove little.
    const reactions = { openRate: 0.6, openDelayMinutes: 1_440, clickRate: 0.4, clickDelayMinutes: 600, replyRate: 0.05 };
    const assumptions = { ...reactions, events: [{ name: 'order_placed', rate: 0.8, delayMinutes: 20_000 }] };
    const rehearsal = await firstOf(
      Array.from({ length: 40 }, (_, i) => `${i}`),
      async (seed) => {
        const found = await simulate(id, { seed, contacts: { limit: PEOPLE }, assumptions });
        const isRich = found.steps.every(({ branches }: any) => branches.every(({ count }: any) => count > 0)) && found.ends.replied > 0;
        return isRich ? found : null;
      },
    );
    expect(await sql('SELECT 1 FROM campaign_contacts WHERE campaign_id = $1', [id])).toEqual([]);
    expect(rehearsal.audience).toMatchObject({ total: PEOPLE, reachable: PEOPLE, sampled: PEOPLE });
    expect(Object.keys(rehearsal.ends).sort()).toEqual(['completed', 'goal', 'replied']);

    await expectAgreement(id, rehearsal);
    const [variants] = rehearsal.steps.filter(({ variants: own }: any) => own.length > 0).map(({ variants: own }: any) => own);
    const real = await sql(
      `SELECT variant_id AS "variantId", count(*)::int AS sent FROM emails WHERE campaign_id = $1 AND variant_id IS NOT NULL GROUP BY 1`,
      [id],
    );
    expect(new Set(real)).toEqual(new Set(variants.map(({ variantId, sent }: any) => ({ variantId, sent }))));
  });

  it('and the real run agree on best hours, on a cap that makes messages wait, and on a test: who waited for it gets the winner then', async () => {
    await importPeople();
    const test = {
      testShare: 0.6,
      metric: 'click',
      minSample: 1,
      minDuration: { value: 6, unit: 'hours' },
      maxDuration: { value: 2, unit: 'days' },
    };
    const id = await story.campaign({ campaignType: 'drip', sendStrategy: 'optimized', frequencyCap: { messages: 1, perDays: 4 } }, [
      emailStep({ variants: [{ name: 'A' }, { name: 'B', weight: 3, subjectLine: 'Other' }], abTest: test }),
      waitStep(3, 'hours'),
      emailStep(),
    ]);
    const [step] = (await story.api.must(200, story.api.get(`/api/campaigns/${id}/steps`))).data;
    const reactions = { openRate: 0.5, openDelayMinutes: 30, replyRate: 0.1, clickDelayMinutes: 20 };
    const steps = step.variants.map(({ id: variantId }: any, place: number) => ({ stepId: step.id, variantId, clickRate: place }));
    const rehearsal = await simulate(id, { seed: 'one', contacts: { limit: PEOPLE }, assumptions: { ...reactions, steps } });
    expect(rehearsal.steps[0].decision.winnerVariantId).toBe(step.variants[1].id);
    expect(rehearsal.steps[2].deferred.frequency_cap).toBeGreaterThan(0);
    await expectAgreement(id, rehearsal);
    const [decided] = await sql('SELECT outcome, reason, winner_variant_id, decided_at FROM ab_decisions WHERE campaign_id = $1', [id]);
    const { outcome, reason, winnerVariantId, at } = rehearsal.steps[0].decision;
    expect({ ...decided, decided_at: decided.decided_at.toISOString() }).toEqual({
      outcome,
      reason,
      winner_variant_id: winnerVariantId,
      decided_at: at,
    });
  });

  it('says the same for the same seed, draws other people for another, and shows all of them page by page', async () => {
    await importPeople();
    const id = await story.campaign({ campaignType: 'drip' }, [emailStep(), waitStep(1, 'days'), emailStep()]);
    const body = { seed: 'one', sample: 10, contacts: { limit: 4 } };
    const first = await simulate(id, body);
    expect(await simulate(id, body)).toEqual(first);
    expect(first.audience).toMatchObject({ total: PEOPLE, reachable: PEOPLE, sampled: 10 });
    expect(first.warnings.map(({ code }: any) => code)).toContain('sampled');
    const seen: string[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const page = await simulate(id, { ...body, contacts: { limit: 4, after } });
      seen.push(...page.contacts.map(({ contactId }: any) => contactId));
      after = page.nextContact;
    }
    expect(new Set(seen).size).toBe(10);
    expect(seen).toHaveLength(10);
    const other = await simulate(id, { ...body, seed: 'two', contacts: { limit: 10 } });
    expect(other.contacts.map(({ contactId }: any) => contactId)).not.toEqual(seen);
  });

  it('leaves out whom a launch would leave out, and says why', async () => {
    await story.importContacts(['ok@e.com', 'gone@e.com', 'left@e.com', 'in@e.com', 'out@e.com'], 'email');
    const ids = Object.fromEntries(
      await Promise.all(['ok', 'gone', 'left', 'in', 'out'].map(async (name) => [name, await story.contactId(`${name}@e.com`)])),
    );
    const notOut = { type: 'contact_attribute', attribute: 'email', operator: 'neq', value: 'out@e.com' };
    const id = await story.campaign({ campaignType: 'drip', segmentId: await story.segment(notOut) }, [emailStep()]);
    await story.api.must(200, story.api.post('/api/suppressions', { email: 'gone@e.com' }));
    await story.api.must(200, story.api.post(`/api/contacts/${ids.left}/unsubscribe`));
    await story.launch(id);
    await story.api.must(201, story.api.post(`/api/campaigns/${id}/contacts`, { contactIds: [ids.in] }));
    const all = await simulate(id, { seed: 'one' });
    expect(all.audience).toEqual({
      total: 4,
      reachable: 1,
      sampled: 1,
      excluded: { noAddress: 0, suppressed: 1, unsubscribed: 1, alreadyEnrolled: 1, notInSegment: 0 },
    });
    const chosen = await simulate(id, { contactIds: [ids.ok, ids.out, ids.left] });
    const again = await simulate(id, { includeEnrolled: true });
    expect(again.audience).toMatchObject({ reachable: 2, sampled: 2, excluded: { alreadyEnrolled: 0 } });
    const { version: draft } = await story.api.must(201, story.api.post(`/api/campaigns/${id}/versions`));
    await story.api.must(200, story.api.put(`/api/campaigns/${id}/versions/${draft.version}/steps`, { steps: [emailStep(), emailStep()] }));
    expect((await simulate(id, { version: draft.version })).steps.map(({ sent }: any) => sent)).toEqual([1, 1]);
    expect((await simulate(id)).steps.map(({ sent }: any) => sent)).toEqual([1]);
    expect(chosen.audience).toMatchObject({ total: 3, sampled: 1, excluded: { unsubscribed: 1, notInSegment: 1 } });
    expect(chosen.contacts).toMatchObject([{ contactId: ids.ok, end: { reason: 'completed' }, visits: [{ what: 'sent' }] }]);
  });

  it('keeps to rates, caps and tests: the winner of a test goes to those who waited for it', async () => {
    // So many that lots, which depend on ids and so differ in every run, fall on every side.
    const people = 40;
    await importPeople(people);
    const test = {
      testShare: 0.5,
      metric: 'click',
      minSample: 1,
      minDuration: { value: 2, unit: 'hours' },
      maxDuration: { value: 4, unit: 'hours' },
    };
    const id = await story.campaign(
      { campaignType: 'drip', sendRatePerMinute: 1, frequencyCap: { messages: 1, perDays: 7, policy: 'skip' } },
      [emailStep({ variants: [{ name: 'A' }, { name: 'B', subjectLine: 'Other' }], abTest: test }), waitStep(1, 'days'), emailStep()],
    );
    const [step, , last] = (await story.api.must(200, story.api.get(`/api/campaigns/${id}/steps`))).data;
    const [a, b] = step.variants;
    const steps = [
      { stepId: step.id, variantId: a.id, clickRate: 0 },
      { stepId: step.id, variantId: b.id, clickRate: 1 },
    ];
    const found = await simulate(id, {
      seed: 'one',
      contacts: { limit: people },
      assumptions: { openDelayMinutes: 5, replyRate: 0, steps },
    });
    const [tested, , capped] = found.steps;
    expect(tested).toMatchObject({ entered: people, sent: people, decision: { winnerVariantId: b.id } });
    const held = found.contacts.filter(({ visits }: any) => visits[0].leftAt >= tested.decision.at);
    expect(held.length).toBeGreaterThan(2);
    expect(held.every(({ visits }: any) => visits[0].detail === 'B')).toBe(true);
    const minutes = found.contacts.map(({ visits }: any) => Math.floor(Date.parse(visits[0].leftAt) / 60_000));
    expect(new Set(minutes).size).toBe(people);
    expect(tested.deferred.rate_limited).toBeGreaterThan(0);
    expect(capped).toMatchObject({ stepId: last.id, sent: 0, skipped: { frequency_cap: people } });
  });

  it('refuses what it cannot do with the path of the fault, and a second one at the same time', async () => {
    await story.importContacts(1);
    const id = await story.campaign({ campaignType: 'drip' }, [emailStep(), waitStep(1, 'days')]);
    const [, wait] = (await story.api.must(200, story.api.get(`/api/campaigns/${id}/steps`))).data;
    const unknown = '00000000-0000-7000-8000-000000000000';
    const bad: [number, object, string][] = [
      [400, { sample: 10_001 }, 'sample'],
      [400, { startAt: '2030-01-01' }, 'startAt'],
      [400, { assumptions: { openRate: 1.5 } }, 'assumptions.openRate'],
      [400, { assumptions: { events: [{ name: 'x', rate: '1' }] } }, 'assumptions.events[0].rate'],
      [400, { assumptions: { steps: [{ stepId: wait.id, opens: 1 }] } }, 'assumptions.steps[0].opens'],
      [400, { contactIds: ['me'] }, 'contactIds'],
      [422, { assumptions: { steps: [{ stepId: wait.id }] } }, 'assumptions.steps[0].stepId'],
      [422, { contactIds: [unknown] }, 'contactIds[0]'],
      [422, { startAt: '2030-03-25T00:00:00Z' }, 'startAt'],
      [422, { version: 7 }, 'version'],
    ];
    for (const [status, body, path] of bad) {
      const answer = await story.api.post(`/api/campaigns/${id}/simulate`, body);
      expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([status, path]);
    }
    expect((await story.api.post(`/api/campaigns/${unknown}/simulate`, {})).status).toBe(404);
    const empty = await story.campaign({ campaignType: 'drip' }, []);
    expect((await story.api.post(`/api/campaigns/${empty}/simulate`)).status).toBe(422);
    const answers = await Promise.all([1, 2, 3].map(() => story.api.post(`/api/campaigns/${id}/simulate`)));
    const busy = answers.find(({ status }) => status === 429);
    expect(busy?.headers.get('retry-after')).toBe('5');
    expect((await story.api.post(`/api/campaigns/${id}/simulate`)).status).toBe(200);
  });
});
