import { Agent } from 'node:http';
import fc from 'fast-check';
import { can } from '../../src/modules/identity/domain/permissions.js';
import { rows } from '../../src/database/index.js';
import { ROLES, type Role, ApiKeysService, systemContext } from '../../src/modules/identity/index.js';
import { type FuzzedRequest, requestsOf, validBodies } from '../support/api-requests.js';
import { type Answer, type CallOptions, callApp } from '../support/http-app.js';
import { type Operation, type Parameter, document, kindOf, misfit, operations } from '../support/openapi.js';
import { type TestApp, startTestApp } from '../support/test-app.js';
import { asOwner, ownerUrlOf } from '../support/test-database.js';
import { withoutTenantFilter } from '../support/unfiltered.js';

/** PROPERTY_RUNS=20000 for the full size; the seed of a run that failed is in its message, and PROPERTY_SEED repeats it. */
const RUNS = fc.readConfigureGlobal().numRuns ?? 1500;
const SEED = fc.readConfigureGlobal().seed ?? (RUNS > 1500 ? Date.now() % 1_000_000_007 : 20301);
const AT_ONCE = 8;
/** Requests to one tenant: they delete and disable, and later ones would meet nothing. */
const BATCH = 1_500;

type Pools = Record<string, string[]>;

describe('the API against its document', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const protectedOnes = operations.filter(({ security }) => security.length > 0);
  let test: TestApp;
  let key: string;
  let tenantId: string;
  let pools: Pools;
  const call = (route: string, options: CallOptions = {}) => callApp(test.app, route, { agent, ...options });
  beforeAll(async () => {
    test = await startTestApp({ env: { ROLES: 'api', LOG_LEVEL: 'error' } });
    const created = await test.tenant('Contract');
    tenantId = created.tenantId;
    key = created.api.apiKey!;
    pools = await furnish((route, body) => call(route, { key, body }));
  });
  afterAll(async () => {
    agent.destroy();
    await test.close();
  });

  it('answers 401 to nobody, on every route that the document protects', async () => {
    const faults: string[] = [];
    for (const operation of protectedOnes) {
      const answer = await call(routeOf(operation, pools));
      faults.push(...faultsOf(operation, answer), ...(answer.status === 401 ? [] : [`${operation.operationId}: ${answer.status}`]));
    }
    expect([protectedOnes.length > 100, faults]).toEqual([true, []]);
  });

  it('answers 403 to every role without the permission that the document names', async () => {
    const keys = new Map<Role, string>();
    const ctx = { ...systemContext(tenantId), roles: ['owner' as const] };
    for (const role of ROLES) keys.set(role, (await test.app.get(ApiKeysService).create(ctx, { name: role, roles: [role] })).key);
    const faults: string[] = [];
    let refused = 0;
    for (const operation of protectedOnes) {
      for (const role of ROLES.filter((one) => !can([one], operation['x-permission'] as never))) {
        const { status } = await call(routeOf(operation, pools), { key: keys.get(role) });
        refused += 1;
        if (status !== 403) faults.push(`${operation.operationId} as ${role}: ${status}`);
      }
    }
    expect([refused > 100, faults]).toEqual([true, []]);
  });

  it('answers 404 to another tenant about every id, with a body that would do otherwise', async () => {
    const { api } = await test.tenant('Other');
    expect(await probe(api.apiKey!, await furnish((route, body) => call(route, { key: api.apiKey!, body })))).toEqual([]);
  });

  it('shows and loses nothing to another tenant where our own filter is taken out of every statement', async () => {
    const { api } = await test.tenant('Another');
    const stranger = api.apiKey!;
    const own = await furnish((route, body) => call(route, { key: stranger, body }));
    const before = await stateOf(tenantId);
    const ids = Object.values(pools).flat();
    const shown: string[] = [];
    let faults: string[] = [];
    const { changed, missed } = await withoutTenantFilter(async () => {
      faults = await probe(stranger, own);
      for (const operation of protectedOnes.filter(({ method }) => method === 'get')) {
        const { status, body } = await call(routeOf(operation, own), { key: stranger });
        const text = JSON.stringify(body);
        if (status >= 500 || ids.some((id) => text.includes(id))) shown.push(`${operation.operationId}: ${status}`);
      }
    });
    expect([faults, shown, [...missed]]).toEqual([[], [], []]);
    expect(changed.size).toBeGreaterThan(60);
    expect(await stateOf(tenantId)).toEqual(before);
    // That the filter is out shows where nothing stands below it.
    const campaign = `GET /api/campaigns/${pools.campaigns[0]}`;
    const openly = (verb: string) => asOwner(ownerUrlOf(test.databaseUrl), `ALTER TABLE campaigns ${verb} ROW LEVEL SECURITY`);
    const statuses: number[] = [];
    await withoutTenantFilter(async () => {
      for (const verb of ['DISABLE', 'ENABLE']) {
        await openly(verb);
        statuses.push((await call(campaign, { key: stranger })).status);
      }
    });
    expect(statuses).toEqual([200, 404]);
  });

  it('takes the example of every body as the page about the API shows it', async () => {
    const faults: string[] = [];
    const shown = protectedOnes.filter(({ requestBody }) => requestBody?.content['application/json']);
    for (const operation of shown) {
      const body = operation.requestBody!.content['application/json'].example;
      const answer = await call(routeOf(operation, pools), { key, body });
      // Nothing outside is asked here, so that no mail server has an address.
      const isUnresolved = answer.body?.errors?.[0]?.code === 'not_resolved';
      if (answer.status === 400 && !isUnresolved) faults.push(`${operation.operationId}: ${JSON.stringify(answer.body)}`);
    }
    expect([shown.length > 40, faults]).toEqual([true, []]);
  });

  it(
    `keeps to it whatever it is asked (${RUNS} requests): no 500, no undocumented status, every answer of its schema`,
    async () => {
      const requests = fc.sample(fc.oneof(...operations.map(requestsOf)), { numRuns: RUNS, seed: SEED });
      const faults = new Map<string, string>();
      let successes = 0;
      const next = async (until: number): Promise<void> => {
        while (requests.length > until) {
          const request = requests.pop()!;
          const answer = await send(request);
          if (answer.status < 300) successes += 1;
          for (const fault of faultsOf(request.operation, answer))
            faults.set(fault, `${shown(request)} → ${JSON.stringify(answer.body).slice(0, 300)}`);
        }
      };
      while (requests.length > 0) {
        key = (await test.tenant('Batch')).api.apiKey!;
        pools = await furnish((route, body) => call(route, { key, body }));
        const until = Math.max(0, requests.length - BATCH);
        await Promise.all(Array.from({ length: AT_ONCE }, () => next(until)));
      }
      const found = [...faults].map(([fault, example]) => `${fault}\n    ${example}`).sort();
      expect(`seed ${SEED}:\n${found.join('\n')}`).toBe(`seed ${SEED}:\n`);
      expect(successes).toBeGreaterThan(RUNS / 10);
    },
    60_000 + RUNS * 40,
  );

  /** Asks everything about our ids with a stranger's key, in bodies with the stranger's own; what was not 404. */
  async function probe(stranger: string, own: Pools): Promise<string[]> {
    const faults: string[] = [];
    for (const operation of protectedOnes.filter(({ parameters }) => parameters.some(isId))) {
      const bodies = fc.sample(validBodies(operation), { numRuns: 12, seed: 7 }).map((body) => fill(JSON.stringify(body) ?? '', own));
      const statuses = new Set<number>();
      for (const raw of operation.requestBody ? bodies : [undefined]) {
        const headers: Record<string, string> = raw ? { 'content-type': 'application/json' } : {};
        statuses.add((await call(routeOf(operation, pools), { key: stranger, raw, headers })).status);
        if (statuses.has(404)) break;
      }
      if (!statuses.has(404) || [...statuses].some((status) => status < 400))
        faults.push(`${operation.operationId}: ${[...statuses].join(', ')}`);
    }
    return faults;
  }

  /** Every row of a tenant, as one number a table. */
  function stateOf(tenant: string): Promise<object[]> {
    return test.db.asSystem(async (tx) => {
      const tables = await rows<{ name: string }>(
        tx,
        `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
          WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
      );
      const one = ({ name }: { name: string }) =>
        `SELECT '${name}' AS name, count(*)::int AS rows, sum(hashtextextended(t::text, 0)) AS state FROM ${name} t WHERE tenant_id = $1`;
      return rows(tx, tables.map(one).join(' UNION ALL '), [tenant]);
    });
  }

  async function send({ operation, route, headers, raw }: FuzzedRequest): Promise<Answer> {
    const answer = await call(fill(route, pools), {
      key: operation.security.length > 0 ? key : undefined,
      headers,
      raw: raw && fill(raw, pools),
    });
    const { id } = (answer.body ?? {}) as { id?: string };
    if (answer.status === 201 && id) (pools[kindOf(operation.path.split('/').at(-1)!)] ??= []).push(id);
    return answer;
  }
});

const isId = ({ in: place, schema }: Parameter) => place === 'path' && schema.format === 'uuid';

/** What an answer says that the document does not. */
function faultsOf({ method, path, responses }: Operation, { status, headers, body }: Answer): string[] {
  const name = `${method.toUpperCase()} ${path} ${status}`;
  if (!(status in responses)) return [`${name}: undocumented`];
  if (status >= 500) return [`${name}: our own fault`];
  const content = responses[status].content ?? {};
  if (status >= 400 && !('text/html' in content)) {
    const fits = headers['content-type']?.startsWith('application/problem+json') && misfit(document.components.schemas.ProblemDto, body);
    return fits === null ? [] : [`${name}: no problem document: ${fits || headers['content-type']}`];
  }
  const hasTag = 'ETag' in (responses[status].headers ?? {});
  if (status < 300 && hasTag !== (headers.etag !== undefined)) return [`${name}: ${hasTag ? 'no' : 'an undocumented'} ETag`];
  const schema = content['application/json']?.schema;
  if (!schema) return body !== '' && Object.keys(content).length === 0 && status !== 302 ? [`${name}: a body that is not documented`] : [];
  const fault = misfit(schema, body);
  return fault === null ? [] : [`${name}: ${fault}`];
}

/** The path with ids that exist. */
function routeOf({ method, path, parameters }: Operation, pools: Pools): string {
  const parts = path.split('/').map((part, index, all) => {
    const parameter = parameters.find(({ name }) => part === `{${name}}`);
    if (!parameter) return part;
    if (parameter.schema.format === 'uuid') return pools[kindOf(all[index - 1])]?.[0] ?? '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
    return parameter.schema.type === 'integer' ? '1' : 'x@example.com';
  });
  return `${method.toUpperCase()} ${parts.join('/')}`;
}

const NOBODY = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';

function fill(text: string, pools: Pools): string {
  // The first ones of a kind belong together: steps and their campaign, variants and their step.
  return text.replace(/id#([\w]+)#(\d+)/g, (_, kind: string, n: string) => {
    const pool = pools[kind] ?? [];
    return pool.length === 0 ? NOBODY : Number(n) % 2 ? pool[0] : pool[Number(n) % pool.length];
  });
}

function shown({ route, headers, raw }: FuzzedRequest): string {
  return `${route} ${JSON.stringify(headers)} ${raw?.slice(0, 400) ?? ''}`;
}

/** One of everything that has an id, so that requests meet something. */
async function furnish(call: (route: string, body: unknown) => Promise<Answer>): Promise<Pools> {
  const made: Pools = {};
  const make = async (path: string, body: unknown): Promise<string> => {
    const { status, body: answer } = await call(`POST ${path}`, body);
    const id = (answer as { id?: string }).id;
    if (status !== 201 || !id) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
    (made[kindOf(path.split('/').at(-1)!)] ??= []).push(id);
    return id;
  };
  await make('/api/contacts', { email: 'ada@example.com' });
  const segmentId = await make('/api/segments', { name: 'All', type: 'dynamic', rules: { all: [] } });
  await make('/api/templates', { name: 'Welcome', content: '<p>Hello</p>', contentFormat: 'html' });
  const sender = { fromEmail: 'news@example.com', fromName: 'News' };
  for (const campaignType of ['ab_test', 'drip', 'broadcast']) {
    const id = await make('/api/campaigns', { name: campaignType, campaignType, segmentId, ...sender });
    const email = { stepType: 'email', subjectLine: 'Hi', emailContent: '<p>Hi</p>', contentFormat: 'html' };
    const stepId = await make(`/api/campaigns/${id}/steps`, email);
    if (campaignType === 'ab_test') await make(`/api/campaigns/${id}/steps/${stepId}/variants`, { name: 'B', subjectLine: 'Hello' });
  }
  await make('/api/workspaces', { name: 'Main office' });
  await make('/api/users', { name: 'Bob', email: 'bob@example.com', role: 'viewer' });
  await make('/api/api-keys', { name: 'CRM', roles: ['viewer'] });
  await make('/api/webhooks', { url: 'https://hooks.example.com/x', eventTypes: ['email.opened'] });
  await make('/api/provider-accounts', { name: 'Relay', kind: 'sendgrid', sendgrid: { apiKey: 'SG.example-of-a-key' } });
  await make('/api/sender-domains', { domain: 'news.example.com' });
  return made;
}
