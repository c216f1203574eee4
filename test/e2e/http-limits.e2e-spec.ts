import { Controller, Get, Post } from '@nestjs/common';
import { Public, Unlimited } from '../../src/http/index.js';
import { Can, RateLimited } from '../../src/modules/identity/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Answer, type HttpApp, startHttpApp } from '../support/http-app.js';
import { asOwner, ownerUrlOf } from '../support/test-database.js';

@Controller('api/things')
class ThingsController {
  @Can('campaigns:launch')
  @RateLimited('launches')
  @Post('launch')
  launch() {
    return { launched: true };
  }
}

@Public()
@Controller('page')
class PageController {
  @Get('shared')
  shared() {
    return { page: true };
  }
  @Unlimited()
  @Get('pixel')
  pixel() {
    return { pixel: true };
  }
}

const LIMIT = 20;
const FAILURES = 5;
const LAUNCHES = 3;
const OURS = 'https://app.example.com';
const THEIRS = 'https://evil.example';

describe('limits and borders of the API', () => {
  const clock = new FakeClock();
  /** Two processes on one database; the second one behind a proxy. */
  let first: HttpApp;
  let second: HttpApp;
  let tenantId: string;
  let key: string;
  beforeAll(async () => {
    const controllers = [ThingsController, PageController];
    const env = {
      RATE_LIMIT_PER_MINUTE: String(LIMIT),
      RATE_LIMIT_FAILURES_PER_MINUTE: String(FAILURES),
      RATE_LIMIT_LAUNCHES_PER_MINUTE: String(LAUNCHES),
    };
    first = await startHttpApp([], { clock, controllers, env: { ...env, CORS_ORIGINS: `${OURS}, http://localhost:5173` } });
    second = await startHttpApp([], {
      clock,
      controllers,
      databaseUrl: first.databaseUrl,
      env: { ...env, TRUST_PROXY: '1', PUBLIC_URL: 'https://mail.example.com' },
    });
  });
  afterAll(async () => {
    await second.close();
    await first.close();
  });
  beforeEach(async () => {
    // Every test has windows of its own.
    clock.advance({ minutes: 2 });
    ({ tenantId, key } = await first.createTenant());
  });

  const me = (http: HttpApp, given: string, headers?: Record<string, string>) => http.call('GET /api/me', { key: given, headers });
  const statusOf = async (answer: Promise<Answer>) => (await answer).status;
  /** The statuses of so many requests, one after the other. */
  async function statuses(count: number, ask: () => Promise<Answer>): Promise<number[]> {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push(await statusOf(ask()));
    return all;
  }
  const times = (count: number, status: number) => Array<number>(count).fill(status);

  describe('a credential', () => {
    it('is told how much is left, then which limit it has met and when to come back, and can go on then', async () => {
      for (let left = LIMIT - 1; left >= 0; left--) {
        const { status, headers } = await me(first, key);
        expect([status, headers['ratelimit-limit'], headers['ratelimit-remaining'], headers['ratelimit-reset']]).toEqual([
          200,
          String(LIMIT),
          String(left),
          '60',
        ]);
      }
      clock.advance({ seconds: 48 });
      const refused = await me(first, key);
      expect(refused).toMatchObject({
        status: 429,
        headers: {
          'retry-after': '12',
          'ratelimit-limit': '20',
          'ratelimit-remaining': '0',
          'ratelimit-reset': '12',
          'content-type': expect.stringMatching(/^application\/problem\+json/),
        },
        body: {
          status: 429,
          code: 'rate_limited',
          title: 'Too Many Requests',
          detail: 'No more than 20 requests with one credential a minute; try again in 12 seconds.',
          limit: 20,
          windowSeconds: 60,
        },
      });
      clock.advance({ seconds: 12 });
      expect(await statusOf(me(first, key))).toBe(200);
    });

    it('shares its limit among all processes, asked at once or not, and with no other credential', async () => {
      const at = await Promise.all(Array.from({ length: 3 * LIMIT }, (_, i) => statusOf(me(i % 2 ? first : second, key))));
      const late = [...(await statuses(LIMIT, () => me(first, key))), ...(await statuses(LIMIT, () => me(second, key)))];
      // None too many, and none lost: what a process had set aside it has used by now.
      expect([...at, ...late].filter((status) => status === 200)).toHaveLength(LIMIT);
      expect(await statusOf(me(first, await first.createKey(tenantId, 'viewer')))).toBe(200);
      expect(await statusOf(me(second, (await first.createTenant('Another')).key))).toBe(200);
    });

    it('costs one statement for a tenth of the limit, and none once it is refused', async () => {
      const used = async () =>
        (await asOwner<{ n: number }>(ownerUrlOf(first.databaseUrl), 'SELECT coalesce(sum(used), 0)::int AS n FROM rate_limits'))[0].n;
      const before = await used();
      await statuses(2, () => me(first, key));
      expect((await used()) - before).toBe(LIMIT / 10);
      await statuses(LIMIT, () => me(first, key));
      const exhausted = await used();
      expect(await statuses(5, () => me(first, key))).toEqual(times(5, 429));
      expect(await used()).toBe(exhausted);
    });

    it('does not use up the launches of its tenant with those it may not make', async () => {
      const viewer = await first.createKey(tenantId, 'viewer');
      expect(await statuses(LAUNCHES + 1, () => first.call('POST /api/things/launch', { key: viewer }))).toEqual(times(LAUNCHES + 1, 403));
      expect(await statuses(LAUNCHES + 1, () => first.call('POST /api/things/launch', { key }))).toEqual([...times(LAUNCHES, 201), 429]);
    });

    it('meets its limit also with what it may not do', async () => {
      const viewer = await first.createKey(tenantId, 'viewer');
      const attempts = await statuses(LIMIT + 1, () => first.call('POST /api/workspaces', { key: viewer, body: { name: 'X' } }));
      expect(attempts).toEqual([...times(LIMIT, 403), 429]);
    });

    it('launches as often as its whole tenant may, and goes on with everything else', async () => {
      const other = await first.createKey(tenantId, 'admin');
      const launch = (given: string) => first.call('POST /api/things/launch', { key: given });
      expect(await statuses(LAUNCHES, () => launch(key))).toEqual(times(LAUNCHES, 201));
      const { status, headers, body } = await launch(other);
      expect([status, headers['retry-after'], headers['ratelimit-limit']]).toEqual([429, '60', String(LAUNCHES)]);
      expect(body.detail).toBe('No more than 3 launches in one tenant a minute; try again in 60 seconds.');
      expect(await statusOf(me(first, other))).toBe(200);
      const { key: stranger } = await first.createTenant('Another');
      expect(await statusOf(launch(stranger))).toBe(201);
    });
  });

  it('a database that does not answer makes the limits those of each process, and no request fail for it', async () => {
    const owner = ownerUrlOf(first.databaseUrl);
    await asOwner(owner, 'ALTER TABLE rate_limits RENAME TO rate_limits_gone');
    try {
      expect(await statuses(LIMIT + 1, () => me(first, key))).toEqual([...times(LIMIT, 200), 429]);
      expect(await statusOf(me(second, key))).toBe(200);
    } finally {
      await asOwner(owner, 'ALTER TABLE rate_limits_gone RENAME TO rate_limits');
    }
  });

  describe('an address', () => {
    // Every test with addresses of its own, named by the proxy that the second process trusts.
    const from = (address: string) => ({ 'x-forwarded-for': address });

    it('that guesses is refused unheard, also with a key that would hold; who was inside before stays inside', async () => {
      expect(await statusOf(me(second, key, from('203.0.113.1')))).toBe(200);
      const fresh = await first.createKey(tenantId, 'viewer');
      const guess = () => me(second, 'ce_nonsense', from('203.0.113.1'));
      expect(await statuses(FAILURES, guess)).toEqual(times(FAILURES, 401));
      const refused = await guess();
      expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '60' }, body: { code: 'rate_limited' } });
      expect(refused.body.detail).toContain('credentials that are not valid from one address');
      expect(await statusOf(me(second, fresh, from('203.0.113.1')))).toBe(429);
      expect(await statusOf(me(second, key, from('203.0.113.1')))).toBe(200);
      expect(await statusOf(me(second, fresh, from('203.0.113.2')))).toBe(200);
      clock.advance({ minutes: 1 });
      expect(await statusOf(me(second, fresh, from('203.0.113.1')))).toBe(200);
    });

    it('is no other one by what it writes into X-Forwarded-For itself', async () => {
      let n = 0;
      // Nobody is trusted here: the header is text.
      const direct = await statuses(FAILURES + 1, () => me(first, 'ce_nonsense', from(`198.51.100.${n++}`)));
      expect(direct).toEqual([...times(FAILURES, 401), 429]);
      // One proxy is: it appends the real client, whatever the client wrote before that.
      const proxied = await statuses(FAILURES + 1, () => me(second, 'ce_nonsense', from(`198.51.100.${n++}, 203.0.113.9`)));
      expect(proxied).toEqual([...times(FAILURES, 401), 429]);
      // All of an IPv6 network is one client.
      const ipv6 = await statuses(FAILURES + 1, () => me(second, 'ce_nonsense', from(`2001:db8:1:2::${n++}`)));
      expect(ipv6).toEqual([...times(FAILURES, 401), 429]);
    });

    it('stands in the audit log as the trusted proxy names it, and is the proxy where that names nonsense', async () => {
      const named = [
        '203.0.113.7',
        '10.0.0.1, 203.0.113.8:4711',
        '::ffff:203.0.113.9',
        '[2001:db8::5]:443',
        'unknown',
        `x${'y'.repeat(500)}`,
      ];
      for (const [i, header] of named.entries()) {
        const made = await second.call('POST /api/workspaces', { key, body: { name: `W${i}` }, headers: from(header) });
        expect([header, made.status]).toEqual([header, 201]);
      }
      const { body } = await second.call('GET /api/audit-log?limit=50', { key });
      const entries = (body.data as { action: string; ip: string }[]).filter(({ action }) => /workspace/.test(action));
      expect(entries.map(({ ip }) => ip).reverse()).toEqual([
        ...['203.0.113.7', '203.0.113.8', '203.0.113.9', '2001:db8::5'],
        ...['127.0.0.1', '127.0.0.1'],
      ]);
    });

    it('is what a public page is limited by; pixels, supervisors and the like are not limited', async () => {
      const page = (path: string) => () => second.call(`GET ${path}`, { headers: from('203.0.113.20') });
      expect(await statuses(LIMIT + 1, page('/page/shared'))).toEqual([...times(LIMIT, 200), 429]);
      expect((await page('/page/shared')()).body.detail).toContain('requests from one address');
      expect(await statuses(LIMIT + 1, page('/page/pixel'))).toEqual(times(LIMIT + 1, 200));
      expect(await statuses(LIMIT + 1, page('/health/live'))).toEqual(times(LIMIT + 1, 200));
    });
  });

  describe('web pages', () => {
    const preflight = (origin: string, path = '/api/me') =>
      first.call(`OPTIONS ${path}`, {
        headers: { origin, 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization,if-match' },
      });

    it('of an origin on the list may call the API: asked without a credential and without limit', async () => {
      for (let i = 0; i <= LIMIT; i++) {
        const { status, headers, body } = await preflight(OURS);
        expect([status, body, headers['access-control-allow-origin']]).toEqual([204, '', OURS]);
        expect(headers['access-control-allow-methods']).toContain('PATCH');
        expect(headers['access-control-allow-headers']).toBe('Authorization, Content-Type, If-Match, Idempotency-Key');
        expect(headers).not.toHaveProperty('access-control-allow-credentials');
      }
      const { headers } = await me(first, 'ce_nonsense', { origin: OURS });
      expect(headers['access-control-allow-origin']).toBe(OURS);
      const exposed = headers['access-control-expose-headers'].toLowerCase().split(', ');
      expect(exposed).toEqual(expect.arrayContaining(['etag', 'retry-after', 'ratelimit-remaining', 'idempotency-replayed']));
      expect(headers.vary).toContain('Origin');
    });

    it('of any other origin may not, nor any without a list, nor anything outside /api', async () => {
      for (const { headers } of [
        await preflight(THEIRS),
        await preflight(`${OURS}.evil.example`),
        await preflight('null'),
        await preflight(OURS, '/page/shared'),
        await me(first, key, { origin: THEIRS }),
        await first.call('GET /page/shared', { headers: { origin: OURS } }),
        await me(second, key, { origin: OURS }),
      ]) {
        expect(headers).not.toHaveProperty('access-control-allow-origin');
      }
      const outside = [
        preflight(OURS, '/page/shared'),
        first.call('OPTIONS /api/me'),
        first.call('OPTIONS /api/nowhere'),
        first.call('GET /nowhere'),
      ];
      expect(await Promise.all(outside.map(statusOf))).toEqual([405, 405, 404, 404]);
      expect((await first.call('OPTIONS /api/me')).headers.allow).toBe('GET, HEAD');
    });
  });

  it('browsers that came by https are told to stay there, and no answer can be framed, sniffed or embedded elsewhere', async () => {
    const { headers } = await second.call('GET /health/live');
    expect(headers).toMatchObject({
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect((await first.call('GET /health/live')).headers).not.toHaveProperty('strict-transport-security');
    // No such token, but such a pixel: webmail shows it on pages of its own.
    expect((await first.call('GET /t/nobody')).headers['cross-origin-resource-policy']).toBe('cross-origin');
  });

  it('connections that never finish what they say are given up', () => {
    const { headersTimeout, requestTimeout } = first.app.getHttpServer() as unknown as { headersTimeout: number; requestTimeout: number };
    expect([headersTimeout, requestTimeout]).toEqual([20_000, 120_000]);
  });
});
