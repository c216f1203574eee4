import { HealthChecks, Metrics } from '../../src/http/index.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

describe('what operators and integrators find', () => {
  let http: HttpApp;
  beforeAll(async () => {
    http = await startHttpApp();
  });
  afterAll(() => http.close());

  describe('health', () => {
    it('tells that the process lives and is ready', async () => {
      expect(await http.call('GET /health/live')).toMatchObject({ status: 200, body: { status: 'alive' } });
      expect(await http.call('GET /health/ready')).toMatchObject({
        status: 200,
        headers: { 'cache-control': 'no-store' },
        body: { status: 'ready', checks: { database: { status: 'up' } } },
      });
    });

    it('is not ready without a critical part, is ready without others, and does not wait for the silent', async () => {
      const checks = http.app.get(HealthChecks);
      let broken = true;
      checks.register({ name: 'optional', critical: false, check: () => Promise.reject(new Error('connect ECONNREFUSED db.internal')) });
      const withoutOptional = await http.call('GET /health/ready');
      expect(withoutOptional).toMatchObject({ status: 200, body: { checks: { optional: { status: 'down' } } } });
      expect(JSON.stringify(withoutOptional.body)).not.toContain('internal');
      checks.register({ name: 'silent', critical: true, check: async () => (broken ? new Promise<never>(() => undefined) : undefined) });
      expect(await http.call('GET /health/ready')).toMatchObject({
        status: 503,
        body: { status: 'not_ready', checks: { silent: { status: 'down' } } },
      });
      broken = false;
      expect((await http.call('GET /health/ready')).status).toBe(200);
    });
  });

  it('metrics are by route, never by path: paths hold ids and tokens', async () => {
    const { key } = await http.createTenant();
    const id = '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
    await http.call(`GET /api/users/${id}`, { key });
    await http.call('GET /nowhere/at/all');
    const { body, headers } = await http.call('GET /metrics');
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(body).toContain('http_request_duration_seconds_count{method="GET",route="/api/users/:id",status="404"} 1');
    expect(body).toContain('process_resident_memory_bytes');
    expect(body).not.toMatch(new RegExp(`${id}|nowhere`));
  });

  it('a value that cannot be looked up is missing from the metrics, not 0, and takes no other with it', async () => {
    const metrics = http.app.get(Metrics);
    metrics.sampled('test_broken', 'Fails.', [], () => Promise.reject(new Error('no')));
    metrics.sampled('test_silent', 'Never answers.', ['of'], () => new Promise<never>(() => undefined));
    metrics.sampled('test_well', 'Answers.', [], () => Promise.resolve([{ value: 7 }]));
    const { status, body } = await http.call('GET /metrics');
    expect([status, body.match(/^test_\w+.*$/gm)]).toEqual([200, ['test_well 7']]);
    expect((await http.call('GET /metrics')).body).toContain('metrics_sample_failures_total{metric="test_silent"} 1');
  });

  describe('documentation', () => {
    it('comes whole from this server: no script, style or font of anybody else', async () => {
      const page = await http.call('GET /docs');
      expect(page).toMatchObject({ status: 200, headers: { 'content-security-policy': expect.stringContaining("script-src 'self'") } });
      const references = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
      expect(references.length).toBeGreaterThan(3);
      for (const url of references) expect([url, (await http.call(`GET ${url}`)).status]).toEqual([url, 200]);
      expect((await http.call('GET /docs/')).status).toBe(200);
      expect((await http.call('GET /docs/..%2f..%2fpackage.json')).status).toBe(404);
    });

    it('is an OpenAPI document that says how to authenticate, and how every operation can fail', async () => {
      const { status, body } = await http.call('GET /openapi.json');
      expect([status, body.openapi]).toEqual([200, '3.1.0']);
      expect(body.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' });
      const operation = body.paths['/api/users/{id}'].patch;
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['200', '400', '401', '403', '404', '409', '412', '429']));
      expect(operation.parameters.map(({ name }: { name: string }) => name)).toEqual(['id', 'If-Match', 'Idempotency-Key']);
      expect(body.paths['/health/live'].get.security).toEqual([]);
    });
  });
});
