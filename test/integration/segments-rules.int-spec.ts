import fc from 'fast-check';
import { rows, type Tx } from '../../src/database/index.js';
import { evaluateRule, type ContactFacts, type EmailFacts, type Rule, type SegmentDefinition } from '../../src/modules/segments/index.js';
import { compileRule } from '../../src/modules/segments/domain/rule-compiler.js';
import { atLeast, seedByDay } from '../support/property-size.js';
import { attributesArbitrary, RULE_NOW, ruleArbitrary } from '../support/rule-arbitraries.js';
import { readRuleTable, TABLE_NOW } from '../support/rule-table.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';

const SEED = 20_260_310;
const CONTACTS = 120;
/** Rules in one statement. */
const BATCH = 20;
const uuid = (kind: number, n: number) => `0190a0b1-000${kind}-7000-8000-${String(n).padStart(12, '0')}`;
const TENANT = uuid(0, 1);
const TABLE_TENANT = uuid(0, 2);
const CAMPAIGNS = [uuid(1, 1), uuid(1, 2)];
const STEPS = [uuid(2, 1), uuid(2, 2)];
const TAGS = ['vip', 'VIP', "it's"];
const EVENTS = ['order', 'login'];
const STATIC = uuid(3, 1);
const SEGMENTS = new Map<string, SegmentDefinition>([
  [STATIC, { type: 'static' }],
  [uuid(3, 2), { type: 'dynamic', rules: { any: [{ type: 'tag', tag: 'vip' }, { type: 'segment', segmentId: STATIC }] } }],
  [uuid(3, 3), { type: 'dynamic', rules: { not: { type: 'segment', segmentId: uuid(3, 2) } } }],
]); // prettier-ignore

/** One contact with the enrolments its emails belong to. */
interface Person {
  id: string;
  facts: ContactFacts;
  enrollments: { id: string; entry: number; emails: (EmailFacts & { id: string; entry: number })[] }[];
}

const instant = fc.integer({ min: -80 * 4, max: 0 }).map((quarters) => new Date(RULE_NOW.getTime() + quarters * 900_000));
const maybe = fc.option(instant, { nil: null });
const email = fc.record({
  entry: fc.constantFrom(1, 2),
  step: fc.constantFrom(0, 1),
  firstOpenedAt: maybe,
  firstHumanOpenedAt: maybe,
  firstClickedAt: maybe,
  firstHumanClickedAt: maybe,
  repliedAt: maybe,
  events: fc.array(
    fc.record({ type: fc.constantFrom('opened', 'clicked', 'replied', 'delivered'), occurredAt: instant, isMachine: fc.boolean() }),
    { maxLength: 3 },
  ),
});
const person = fc.record({
  firstName: fc.constantFrom(null, 'Ada', 'ada', 'pro'),
  lastName: fc.constantFrom(null, 'a%b', '5'),
  timezone: fc.constantFrom(null, 'Europe/London'),
  createdAt: instant,
  leadScore: fc.integer({ min: -3, max: 9 }),
  subscribed: fc.boolean(),
  attributes: attributesArbitrary,
  tags: fc.subarray(TAGS),
  events: fc.array(fc.record({ name: fc.constantFrom(...EVENTS), occurredAt: instant }), { maxLength: 5 }),
  isMember: fc.boolean(),
  enrollments: fc.array(
    fc.record({ entry: fc.constantFrom(1, 2), emails: fc.uniqueArray(email, { maxLength: 4, selector: (e) => `${e.entry}${e.step}` }) }),
    { maxLength: 2 },
  ),
});

describe('a rule as SQL', () => {
  let database: OpenTestDatabase;
  let people: Person[];

  beforeAll(async () => {
    database = await openTestDatabase();
    people = fc.sample(person, { seed: SEED, numRuns: CONTACTS }).map(toPerson);
    await database.db.asSystem((tx) => insert(tx, people));
  });
  afterAll(() => database.drop());

  const world = { stepIds: STEPS, segmentIds: [...SEGMENTS.keys()], tags: TAGS, eventNames: EVENTS };
  const rules = fc.array(ruleArbitrary(world), { minLength: BATCH, maxLength: BATCH });

  it('chooses the contacts the evaluator chooses, over 800 random rules and more by night', async () => {
    const batches = Math.ceil(atLeast(800) / BATCH);
    let chosen = 0;
    await fc.assert(
      fc.asyncProperty(rules, async (batch) => {
        const answers = await ask(database, batch, 'FROM contacts c WHERE c.tenant_id = $1');
        for (const { id, facts } of people) {
          const expected = batch.map((rule) => evaluateRule(rule, facts, SEGMENTS, RULE_NOW));
          expect({ id, answers: answers.get(id) }).toEqual({ id, answers: expected });
          chosen += expected.filter(Boolean).length;
        }
      }),
      { seed: seedByDay(SEED), numRuns: batches, endOnFailure: true },
    );
    // Rules that match nobody (or everybody) would prove nothing.
    const share = chosen / (batches * BATCH * CONTACTS);
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.8);
  });

  it('chooses, operator by operator, whom the table of the manual names', async () => {
    const { contacts, rows: table } = readRuleTable();
    await database.db.asSystem(async (tx) => {
      await rows(tx, `INSERT INTO tenants (id, name) VALUES ($1, 'Table')`, [TABLE_TENANT]);
      for (const [i, { attributes }] of contacts.entries()) {
        const sql = `INSERT INTO contacts (tenant_id, id, email, email_norm, attributes) VALUES ($1, $2, $3::text, $3, $4)`;
        await rows(tx, sql, [TABLE_TENANT, uuid(7, i), `table${i}@example.com`, JSON.stringify(attributes)]);
      }
    });
    const rules = table.flatMap<Rule>(({ rule }) => [rule, { not: rule }]);
    const answers = await ask(database, rules, 'FROM contacts c WHERE c.tenant_id = $1', { tenant: TABLE_TENANT, now: TABLE_NOW });
    for (const [i, { title }] of contacts.entries()) {
      const expected = table.map((row) => `${row.title}: ${row.answers[i]}`);
      const chosen = answers.get(uuid(7, i))!;
      expect([title, table.map((row, r) => `${row.title}: ${chosen[2 * r]}`)]).toEqual([title, expected]);
      expect([title, table.map((row, r) => `${row.title}: ${!chosen[2 * r + 1]}`)]).toEqual([title, expected]);
    }
  });

  it('looks, for an enrolment, at the emails of that enrolment and entry alone', async () => {
    const from = 'FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = cc.tenant_id AND c.id = cc.contact_id WHERE cc.tenant_id = $1';
    await fc.assert(
      fc.asyncProperty(rules, async (batch) => {
        const answers = await ask(database, batch, from, { enrollmentAlias: 'cc' });
        for (const { facts, enrollments } of people) {
          for (const enrollment of enrollments) {
            const emails = enrollment.emails.filter(({ entry }) => entry === enrollment.entry);
            const expected = batch.map((rule) => evaluateRule(rule, { ...facts, emails }, SEGMENTS, RULE_NOW));
            expect({ id: enrollment.id, answers: answers.get(enrollment.id) }).toEqual({ id: enrollment.id, answers: expected });
          }
        }
      }),
      { seed: seedByDay(SEED + 1), numRuns: 20, endOnFailure: true },
    );
  });

  it('puts every contact into a rule or into its negation, never into neither', async () => {
    await fc.assert(
      fc.asyncProperty(rules, async (batch) => {
        const pairs = batch.slice(0, 10).flatMap<Rule>((rule) => [rule, { not: rule }]);
        for (const answers of (await ask(database, pairs, 'FROM contacts c WHERE c.tenant_id = $1')).values()) {
          for (let i = 0; i < pairs.length; i += 2) expect([answers[i], answers[i + 1]]).toContain(!answers[i]);
        }
      }),
      { seed: seedByDay(SEED + 2), numRuns: 5 },
    );
  });
});

/** All rules in one statement: one boolean column each. */
async function ask(
  database: OpenTestDatabase,
  batch: Rule[],
  from: string,
  { enrollmentAlias, tenant = TENANT, now = RULE_NOW }: { enrollmentAlias?: string; tenant?: string; now?: Date } = {},
): Promise<Map<string, boolean[]>> {
  const params: unknown[] = [tenant];
  const columns = batch.map((rule) => {
    const options = { contactAlias: 'c', enrollmentAlias, firstParam: params.length + 1, tenantParam: '$1', now };
    const fragment = compileRule(rule, SEGMENTS, options);
    params.push(...fragment.params);
    return fragment.sql;
  });
  const sql = `SELECT ${enrollmentAlias ?? 'c'}.id, ARRAY[${columns.join(', ')}] AS answers ${from}`;
  const found = await database.db.inTenant(tenant, (tx) => rows<{ id: string; answers: boolean[] }>(tx, sql, params));
  return new Map(found.map(({ id, answers }) => [id, answers]));
}

function toPerson(sample: typeof person extends fc.Arbitrary<infer T> ? T : never, n: number): Person {
  const enrollments = sample.enrollments.map((enrollment, e) => ({
    id: uuid(4, n * 10 + e),
    entry: enrollment.entry,
    emails: enrollment.emails.map((item, i) => ({ ...item, id: uuid(5, n * 100 + e * 10 + i), stepId: STEPS[item.step] })),
  }));
  const { isMember, ...rest } = sample;
  return {
    id: uuid(6, n),
    enrollments,
    facts: {
      ...rest,
      email: `Person${n}@Example.com`,
      emails: enrollments.flatMap(({ emails }) => emails),
      staticSegments: new Set(isMember ? [STATIC] : []),
    },
  };
}

async function insert(tx: Tx, people: Person[]): Promise<void> {
  const run = (sql: string, ...params: unknown[]) => rows(tx, sql, params);
  await run(`INSERT INTO tenants (id, name) VALUES ($1, 'T')`, TENANT);
  await run(`INSERT INTO segments (tenant_id, id, name, type) VALUES ($1, $2, 'S', 'static')`, TENANT, STATIC);
  for (const [i, campaign] of CAMPAIGNS.entries()) {
    await run(`INSERT INTO campaigns (tenant_id, id, name, campaign_type) VALUES ($1, $2, $3, 'drip')`, TENANT, campaign, `C${i}`);
  }
  // Both steps exist in the first campaign only; the ledger's foreign key wants campaign and step to fit, so every enrolment's emails carry it.
  for (const [i, step] of STEPS.entries()) {
    await run(
      `INSERT INTO campaign_steps (tenant_id, id, campaign_id, step_order, step_type) VALUES ($1, $2, $3, $4, 'email')`,
      TENANT, step, CAMPAIGNS[0], i + 1,
    ); // prettier-ignore
  }
  for (const { id, facts, enrollments } of people) {
    await run(
      `INSERT INTO contacts (tenant_id, id, email, email_norm, first_name, last_name, timezone, created_at, lead_score, subscribed,
         unsubscribed_at, attributes) VALUES ($1, $2, $3::text, lower($3::text), $4, $5, $6, $7, $8, $9, CASE WHEN $9 THEN NULL ELSE now() END, $10)`,
      TENANT, id, facts.email, facts.firstName, facts.lastName, facts.timezone, facts.createdAt, facts.leadScore, facts.subscribed,
      JSON.stringify(facts.attributes),
    ); // prettier-ignore
    if (facts.staticSegments.size > 0) {
      await run(`INSERT INTO segment_members (tenant_id, segment_id, contact_id) VALUES ($1, $2, $3)`, TENANT, STATIC, id);
    }
    for (const tag of facts.tags) await run(`INSERT INTO contact_tags (tenant_id, contact_id, tag) VALUES ($1, $2, $3)`, TENANT, id, tag);
    for (const { name, occurredAt } of facts.events) {
      await run(
        `INSERT INTO contact_events (tenant_id, contact_id, name, occurred_at) VALUES ($1, $2, $3, $4)`,
        TENANT,
        id,
        name,
        occurredAt,
      );
    }
    for (const [i, enrollment] of enrollments.entries()) await insertEnrollment(tx, id, CAMPAIGNS[i], enrollment);
  }
}

async function insertEnrollment(tx: Tx, contactId: string, campaignId: string, enrollment: Person['enrollments'][number]): Promise<void> {
  const run = (sql: string, ...params: unknown[]) => rows(tx, sql, params);
  await run(
    `INSERT INTO campaign_contacts (tenant_id, id, campaign_id, contact_id, entry_number) VALUES ($1, $2, $3, $4, $5)`,
    TENANT, enrollment.id, campaignId, contactId, enrollment.entry,
  ); // prettier-ignore
  for (const item of enrollment.emails) {
    await run(
      `INSERT INTO emails (tenant_id, id, campaign_id, step_id, contact_id, enrollment_id, entry_number, due_at, status, sent_at,
         first_opened_at, first_human_opened_at, first_clicked_at, first_human_clicked_at, replied_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, now(), 'sent', now(), $8, $9, $10, $11, $12)`,
      TENANT, item.id, CAMPAIGNS[0], item.stepId, contactId, enrollment.id, item.entry, item.firstOpenedAt, item.firstHumanOpenedAt,
      item.firstClickedAt, item.firstHumanClickedAt, item.repliedAt,
    ); // prettier-ignore
    for (const [i, event] of item.events.entries()) {
      await run(
        `INSERT INTO email_events (tenant_id, occurred_at, email_id, type, source, dedupe_key, is_machine) VALUES ($1, $2, $3, $4, 'test', $5, $6)`,
        TENANT, event.occurredAt, item.id, event.type, `${item.id}-${i}`, event.isMachine,
      ); // prettier-ignore
    }
  }
}
