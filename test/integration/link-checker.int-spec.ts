import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppConfig } from '../../src/config/index.js';
import { LINK_CHECK, LinkChecker } from '../../src/modules/campaigns/link-checker.js';
import { HostResolver, OutboundGuard, OutboundHttp, type HostAddress } from '../../src/shared/outbound/index.js';

class Names extends HostResolver {
  resolve(host: string): Promise<HostAddress[]> {
    return host === 'inside.example' ? Promise.resolve([{ address: '10.0.0.1', family: 4 }]) : Promise.reject(new Error('not found'));
  }
}

const checker = (allowPrivateNetworks: boolean) =>
  new LinkChecker(new OutboundHttp(new OutboundGuard(Object.assign(new AppConfig(), { outbound: { allowPrivateNetworks } }), new Names())));

describe('the check of links', () => {
  let server: Server;
  let base: string;
  let seen: string[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    seen = [];
    answer = (_request, response) => response.end('ok');
  });

  const links = (...paths: string[]) =>
    paths.map((path, index) => ({
      url: path.includes('://') ? path : base + path,
      path: `steps[${index}].emailContent`,
      stepId: `step-${index}`,
    }));
  const status = (code: number, headers: Record<string, string> = {}) => {
    answer = (_request, response) => response.writeHead(code, headers).end();
  };
  const codes = async (...paths: string[]) => (await checker(true).check('tenant', links(...paths))).map(({ code }) => code);

  it('finds pages that are not there, and says which link of which step it is', async () => {
    answer = (request, response) => response.writeHead(request.url === '/gone' ? 410 : request.url === '/missing' ? 404 : 200).end();
    const findings = await checker(true).check('tenant', links('/fine', '/missing', '/gone'));
    expect(findings).toEqual([
      {
        severity: 'warning',
        code: 'link_dead',
        path: 'steps[1].emailContent',
        stepId: 'step-1',
        message: expect.stringContaining(`${base}/missing`),
      },
      expect.objectContaining({ code: 'link_dead', stepId: 'step-2' }),
    ]);
    expect(seen).toContain('HEAD /fine');
    expect(seen).not.toContain('GET /fine');
  });

  it('believes GET where HEAD is answered wrongly', async () => {
    answer = (request, response) => response.writeHead(request.method === 'HEAD' ? 405 : 200).end('page');
    expect(await codes('/')).toEqual([]);
    answer = (request, response) => (request.method === 'HEAD' ? response.socket!.end('garbage\r\n\r\n') : response.end('page'));
    expect(await codes('/')).toEqual([]);
    expect(seen.at(-1)).toBe('GET /');
  });

  it.each([401, 403, 429, 204])('says nothing of an answer %d that programs may get and people not', async (code) => {
    status(code);
    expect(await codes('/')).toEqual([]);
  });

  it('tells servers that fail, hosts that are not there and servers that do not answer', async () => {
    status(503);
    expect(await codes('/')).toEqual(['link_failing']);
    expect(await codes('https://nowhere.example/')).toEqual(['link_dead']);
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(await codes(`http://127.0.0.1:${port}/`)).toEqual(['link_unreachable']);
  });

  it('follows redirects to their end, and not for ever', async () => {
    answer = (request, response) =>
      request.url === '/a' ? response.writeHead(301, { location: '/b' }).end() : response.writeHead(404).end();
    expect(await codes('/a')).toEqual(['link_dead']);
    expect(seen[1]).toBe('HEAD /b');
    status(302, { location: '/again' });
    seen = [];
    expect(await codes('/again')).toEqual(['link_dead']);
    expect(seen).toHaveLength(LINK_CHECK.redirects + 1);
    status(302, { location: 'mailto:a@b.example' });
    expect(await codes('/')).toEqual(['link_dead']);
  });

  it('never goes into our own network, by address, by name or by redirect: a preflight must be no way in', async () => {
    const guarded = async (url: string) => (await checker(false).check('tenant', links(url))).map(({ code }) => code);
    expect(await guarded(`${base.replace(/:\d+$/, '')}/`)).toEqual(['link_private']);
    expect(await guarded('http://169.254.169.254/latest/meta-data/')).toEqual(['link_private']);
    expect(await guarded('https://inside.example/')).toEqual(['link_private']);
    expect(await guarded(`${base}/`)).toEqual(['link_not_checked']);
    expect(seen).toEqual([]);
  });

  it('calls an address once, a few at a time, at most fifty, and counts the rest', async () => {
    let open = 0;
    let most = 0;
    answer = (_request, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => (open--, response.end()), 5);
    };
    const many = Array.from({ length: LINK_CHECK.links + 3 }, (_, i) => `/${i}`);
    expect(await checker(true).check('tenant', links(...many, ...many))).toEqual([
      { severity: 'warning', code: 'links_not_checked', message: expect.stringMatching(/^3 further links/) },
    ]);
    expect(seen).toHaveLength(LINK_CHECK.links);
    expect(most).toBeLessThanOrEqual(LINK_CHECK.concurrency);
  });

  it('runs once at a time for a tenant, so that nobody makes us hammer a server', async () => {
    const one = checker(true);
    let release: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      answer = (_request, response) => {
        release = () => response.end();
        resolve();
      };
    });
    const first = one.check('tenant', links('/slow'));
    await arrived;
    await expect(one.check('tenant', links('/slow'))).rejects.toMatchObject({ category: 'rate_limited' });
    await expect(one.check('other', [])).resolves.toEqual([]);
    release();
    expect(await first).toEqual([]);
    answer = (_request, response) => response.end();
    expect(await one.check('tenant', links('/'))).toEqual([]);
  });
});
