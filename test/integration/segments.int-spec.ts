import { rows } from '../../src/database/index.js';
import { etagOf } from '../../src/http/index.js';
import { INSTANT_PATTERN, NUMBER_PATTERN, parseInstant } from '../../src/modules/segments/domain/iso-instant.js';
import type { TenantContext } from '../../src/modules/identity/index.js';
import type { Rule } from '../../src/modules/segments/index.js';
import { segmentsBench, type SegmentsBench } from '../support/segments.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';

const UNKNOWN = '0190a0b1-0000-7000-8000-00000000dead';
const VIP: Rule = { type: 'tag', tag: 'vip' };
const ref = (segmentId: string): Rule => ({ type: 'segment', segmentId });
const plan = (value: string, operator: 'eq' | 'contains' = 'eq'): Rule => ({
  type: 'contact_attribute',
  attribute: 'plan',
  operator,
  value,
});

describe('segments', () => {
  let database: OpenTestDatabase;
  let bench: SegmentsBench;
  let ctx: TenantContext;

  beforeAll(async () => {
    database = await openTestDatabase();
    bench = segmentsBench(database);
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    ctx = await bench.tenant();
  });

  const dynamic = (rules: unknown, name = 'S') => bench.segments.create(ctx, { name, type: 'dynamic', rules });
  const list = (name = 'L') => bench.segments.create(ctx, { name, type: 'static' });

  describe('saving', () => {
    it('refuses a rule with faults, naming each place, and saves nothing', async () => {
      await expect(dynamic({ all: [VIP, { type: 'nope' }, { ...plan('x'), operator: '=' }] })).rejects.toMatchObject({
        category: 'malformed',
        problems: [{ path: 'rules.all[1].type' }, { path: 'rules.all[2].operator' }],
      });
      await expect(dynamic(undefined)).rejects.toMatchObject({ category: 'malformed', problems: [{ path: 'rules' }] });
      await expect(bench.segments.create(ctx, { name: 'x', type: 'static', rules: VIP })).rejects.toMatchObject({ category: 'malformed' });
      expect((await bench.segments.list(ctx, { limit: 10 })).data).toEqual([]);
    });

    it('answers the same for a segment that is not there and for another tenant’s', async () => {
      const other = await bench.tenant();
      const foreign = await bench.segments.create(other, { name: 'Theirs', type: 'static' });
      const faults = await Promise.all(
        [foreign.id, UNKNOWN].map((id) => dynamic({ any: [ref(id)] }).catch((error: { problems: unknown; category: string }) => error)),
      );
      expect(faults[0]).toMatchObject({
        category: 'unprocessable',
        problems: [{ path: 'rules.any[0].segmentId', code: 'unknown_segment' }],
      });
      expect((faults[0] as { problems: unknown }).problems).toEqual((faults[1] as { problems: unknown }).problems);
      await expect(bench.segments.read(ctx, foreign.id)).rejects.toMatchObject({ category: 'not_found' });
      await expect(bench.segments.update(ctx, foreign.id, { name: 'Mine' })).rejects.toMatchObject({ category: 'not_found' });
      await expect(bench.segments.remove(ctx, foreign.id)).rejects.toMatchObject({ category: 'not_found' });
    });

    it('never lets a segment become part of itself', async () => {
      const a = await dynamic(VIP, 'A');
      const b = await dynamic(ref(a.id), 'B');
      const c = await dynamic({ not: ref(b.id.toUpperCase()) }, 'C');
      for (const id of [a.id, b.id, c.id]) {
        await expect(bench.segments.update(ctx, a.id, { rules: { all: [ref(id)] } })).rejects.toMatchObject({
          category: 'unprocessable',
          problems: [{ code: 'segment_cycle' }],
        });
      }
      expect((await bench.segments.read(ctx, a.id)).rules).toEqual(VIP);
    });

    it('lets at most one of two changes through that would close a cycle together', async () => {
      for (let round = 0; round < 5; round++) {
        const [a, b] = [await dynamic(VIP, 'A'), await dynamic(VIP, 'B')];
        const results = await Promise.allSettled([
          bench.segments.update(ctx, a.id, { rules: ref(b.id) }),
          bench.segments.update(ctx, b.id, { rules: ref(a.id) }),
        ]);
        expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      }
    });

    it('refuses to let a segment grow beyond what those that refer to it can bear', async () => {
      const small = await dynamic(VIP, 'Small');
      await dynamic({ any: Array<Rule>(49).fill(ref(small.id)) }, 'Big');
      await expect(bench.segments.update(ctx, small.id, { rules: { any: Array<Rule>(20).fill(VIP) } })).rejects.toMatchObject({
        category: 'unprocessable',
        problems: [{ path: 'rules', message: expect.stringContaining('"Big"') as string }],
      });
    });

    it('changes name and rules, not under a stale If-Match, and leaves an audit trail', async () => {
      const before = await dynamic(VIP);
      const after = await bench.segments.update(ctx, before.id, { rules: { not: VIP } }, etagOf(before));
      expect(after).toMatchObject({ name: 'S', rules: { not: VIP } });
      await expect(bench.segments.update(ctx, before.id, { name: 'Z' }, etagOf(before))).rejects.toMatchObject({
        category: 'precondition_failed',
      });
      const trail = await bench.sql(
        ctx,
        `SELECT action, after -> 'rules' AS rules FROM audit_log WHERE entity_id = $1 ORDER BY id`,
        before.id,
      );
      expect(trail).toEqual([
        { action: 'segment.created', rules: VIP },
        { action: 'segment.updated', rules: { not: VIP } },
      ]);
    });
  });

  describe('deleting', () => {
    it('is refused while a campaign, a condition or a segment refers to it', async () => {
      const campaign = '0190a0b1-0000-7000-8000-0000000000c1';
      const [audience, inCondition, inSegment, free] = [await list(), await list(), await list(), await list()];
      await dynamic({ any: [ref(inSegment.id.toUpperCase())] }, 'Parent');
      await bench.sql(ctx, `INSERT INTO campaigns (tenant_id, id, name, campaign_type, segment_id) VALUES ($1, $2, 'Spring', 'drip', $3)`, ctx.tenantId, campaign, audience.id); // prettier-ignore
      await bench.sql(
        ctx,
        `INSERT INTO campaign_steps (tenant_id, campaign_id, step_order, step_type, condition_rules) VALUES ($1, $2, 1, 'condition', $3)`,
        ctx.tenantId, campaign, JSON.stringify({ not: ref(inCondition.id.toUpperCase()) }),
      ); // prettier-ignore
      for (const { id } of [audience, inCondition]) {
        await expect(bench.segments.remove(ctx, id)).rejects.toMatchObject({
          category: 'conflict',
          extensions: { usedBy: { campaigns: [{ id: campaign, name: 'Spring' }], segments: [] } },
        });
      }
      await expect(bench.segments.remove(ctx, inSegment.id)).rejects.toMatchObject({
        extensions: { usedBy: { campaigns: [], segments: [{ name: 'Parent' }] } },
      });
      await bench.segments.remove(ctx, free.id);
      await expect(bench.segments.read(ctx, free.id)).rejects.toMatchObject({ category: 'not_found' });
    });

    it('cannot slip in between a check of references and the saving of what refers', async () => {
      const target = await list();
      const checked = signal();
      const proceed = signal();
      const saving = database.db.inTenant(ctx.tenantId, async (tx) => {
        const problems = await bench.segments.assertRuleUsable(tx, ctx.tenantId, ref(target.id), 'conditionRules');
        checked.fire();
        await proceed.fired;
        await rows(tx, `INSERT INTO segments (tenant_id, name, type, rules) VALUES ($1, 'R', 'dynamic', $2)`, [
          ctx.tenantId,
          JSON.stringify(ref(target.id)),
        ]);
        return problems;
      });
      await checked.fired;
      const removing = bench.segments.remove(ctx, target.id).then(
        () => 'removed',
        (error: { code: string }) => error.code,
      );
      proceed.fire();
      expect(await saving).toEqual([]);
      expect(await removing).toBe('segment_in_use');
    });
  });

  describe('who is in one', () => {
    it('takes SQL and wildcards in a value for plain text', async () => {
      const literal = await bench.contact(ctx, { attributes: { plan: `50%_off'; DROP TABLE contacts; --` } });
      await bench.contact(ctx, { attributes: { plan: '50 percent off' } });
      for (const part of ['%', '_', `'; DROP TABLE contacts; --`, '50%_OFF']) {
        const { count, sample } = await bench.audience.preview(ctx, plan(part, 'contains'), 5);
        expect({ part, count, ids: sample.map(({ id }) => id) }).toEqual({ part, count: 1, ids: [literal] });
      }
      expect(await bench.audience.preview(ctx, plan('\\', 'contains'), 5)).toEqual({ count: 0, subscribedCount: 0, sample: [] });
    });

    it('counts the erased not at all and the unsubscribed apart', async () => {
      await bench.contact(ctx);
      await bench.contact(ctx, { subscribed: false });
      const erased = await bench.contact(ctx);
      await bench.sql(ctx, `UPDATE contacts SET deleted_at = now() WHERE tenant_id = $1 AND id = $2`, ctx.tenantId, erased);
      expect(await bench.audience.preview(ctx, { all: [] }, 0)).toEqual({ count: 2, subscribedCount: 1, sample: [] });
    });

    it('never shows another tenant’s contacts, tags or members', async () => {
      const other = await bench.tenant();
      const theirs = await bench.contact(other, { email: 'same@example.com' });
      await bench.sql(other, `INSERT INTO contact_tags (tenant_id, contact_id, tag) VALUES ($1, $2, 'vip')`, other.tenantId, theirs);
      const mine = await bench.contact(ctx, { email: 'same@example.com' });
      expect((await bench.audience.preview(ctx, { all: [] }, 20)).sample.map(({ id }) => id)).toEqual([mine]);
      expect((await bench.audience.preview(ctx, VIP, 20)).count).toBe(0);
    });

    it('pages through a segment made of segments without losing or repeating anybody', async () => {
      const members = [];
      for (let i = 0; i < 7; i++) members.push(await bench.contact(ctx, { attributes: { plan: i % 2 ? 'pro' : 'free' } }));
      const chosen = await list();
      await bench.audience.addMembers(ctx, chosen.id, members.slice(0, 6));
      const both = await dynamic({ all: [ref(chosen.id), { not: plan('pro') }] });
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof bench.audience.contacts>> = await bench.audience.contacts(ctx, both.id, {
          limit: 2,
          cursor: cursor ?? undefined,
        });
        seen.push(...page.data.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor);
      expect(seen).toEqual([members[4], members[2], members[0]]);
    });

    it('gives up on a count that takes too long with a problem, not with a failure', async () => {
      const unlocked = signal();
      const locked = signal();
      const locking = database.db.asSystem(async (tx) => {
        await rows(tx, 'LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE');
        locked.fire();
        await unlocked.fired;
      });
      await locked.fired;
      bench.audience.timeoutMs = 50;
      try {
        await expect(bench.audience.preview(ctx, VIP, 1)).rejects.toMatchObject({ category: 'unavailable', code: 'segment_too_slow' });
      } finally {
        bench.audience.timeoutMs = 10_000;
        unlocked.fire();
        await locking;
      }
    });
  });

  describe('a list of members', () => {
    it('adds and removes idempotently, and nobody if one id is wrong', async () => {
      const [a, b] = [await bench.contact(ctx), await bench.contact(ctx)];
      const foreign = await bench.contact(await bench.tenant());
      const { id } = await list();
      await expect(bench.audience.addMembers(ctx, id, [a, foreign, b, UNKNOWN])).rejects.toMatchObject({
        category: 'unprocessable',
        problems: [{ path: 'contactIds[1]' }, { path: 'contactIds[3]' }],
      });
      expect(await bench.audience.addMembers(ctx, id, [a, a.toUpperCase(), a])).toEqual({ added: 1 });
      expect(await bench.audience.addMembers(ctx, id, [a, b])).toEqual({ added: 1 });
      expect(await bench.audience.removeMembers(ctx, id, [b])).toEqual({ removed: 1 });
      expect(await bench.audience.removeMembers(ctx, id, [b])).toEqual({ removed: 0 });
      expect((await bench.audience.contacts(ctx, id, { limit: 10 })).data.map((contact) => contact.id)).toEqual([a]);
    });

    it('does not exist for a dynamic segment', async () => {
      const { id } = await dynamic(VIP);
      await expect(bench.audience.addMembers(ctx, id, [UNKNOWN])).rejects.toMatchObject({
        category: 'conflict',
        code: 'segment_not_static',
      });
    });
  });

  describe('for the engine', () => {
    it('compiles for one enrolment alias, with parameters behind the caller’s own', async () => {
      const id = await bench.contact(ctx, { attributes: { plan: 'pro' } });
      const segment = await dynamic(plan('pro'));
      const options = { contactAlias: 'c', enrollmentAlias: 'cc', firstParam: 3, tenantParam: '$1', now: bench.clock.now() };
      const found = await database.db.inTenant(ctx.tenantId, async (tx) => {
        const { sql, params } = await bench.segments.compileSegment(tx, ctx.tenantId, segment.id, options);
        return rows<{ is: boolean }>(
          tx,
          `SELECT (${sql}) AS is FROM contacts c LEFT JOIN campaign_contacts cc ON cc.tenant_id = c.tenant_id AND cc.contact_id = c.id
            WHERE c.tenant_id = $1 AND c.id = $2`,
          [ctx.tenantId, id, ...params],
        );
      });
      expect(found).toEqual([{ is: true }]);
    });

    it('says which referenced segment is missing', async () => {
      const compiling = database.db.inTenant(
        ctx.tenantId,
        (tx) =>
        bench.segments.compileRule(tx, ctx.tenantId, { all: [ref(UNKNOWN)] }, { contactAlias: 'c', firstParam: 2, tenantParam: '$1', now: bench.clock.now() }), // prettier-ignore
      );
      await expect(compiling).rejects.toMatchObject({ code: 'rule_not_usable', problems: [{ path: 'rules.all[0].segmentId' }] });
    });
  });

  it('reads as dates and numbers only texts PostgreSQL can cast, whatever attributes hold', async () => {
    const days = ['1900', '2000', '2023', '2024', '1000', '9999'].flatMap((year) =>
      Array.from(
        { length: 14 * 33 },
        (_, i) => `${year}-${String(Math.floor(i / 33)).padStart(2, '0')}-${String(i % 33).padStart(2, '0')}`,
      ),
    );
    const times = ['T00:00', 'T23:59:59.999999Z', ' 12:30:00+14:59', 'T12:00-00:30', 'T24:00', 'T12:60', 'T1:00', 'T12:00+15:00', 'Tnow'];
    const texts = [...days, ...times.map((time) => `2024-02-29${time}`)];
    const [{ cast, rejected }] = await bench.sql<{ cast: string[]; rejected: string[] }>(
      ctx,
      `SELECT array_agg(t ORDER BY t) FILTER (WHERE CASE WHEN t ~ '${INSTANT_PATTERN}' THEN t::timestamptz IS NOT NULL END) AS cast,
              array_agg(t) FILTER (WHERE NOT t ~ '${INSTANT_PATTERN}') AS rejected FROM unnest($1::text[]) AS t`,
      texts,
    );
    expect(cast.filter((text) => text.length === 10)).toEqual(days.filter(isRealDay).sort());
    expect(cast.every((text) => parseInstant(text) !== null)).toBe(true);
    expect(rejected.every((text) => parseInstant(text) === null)).toBe(true);
    const numbers = ['99999999999999', '-1.5', '1e5', '.5', '5.', '0x1', 'NaN', '--1'];
    const [read] = await bench.sql<{ read: string[] }>(
      ctx,
      `SELECT array_agg(t) FILTER (WHERE CASE WHEN t ~ '${NUMBER_PATTERN}' THEN t::numeric IS NOT NULL END) AS read FROM unnest($1::text[]) AS t`,
      numbers,
    );
    expect(read.read).toEqual(['99999999999999', '-1.5']);
  });
});

function isRealDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

function signal(): { fired: Promise<void>; fire: () => void } {
  let fire!: () => void;
  const fired = new Promise<void>((resolve) => (fire = resolve));
  return { fired, fire };
}
