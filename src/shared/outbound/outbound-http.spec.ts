import { createServer, type IncomingMessage, type ServerResponse, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { AppConfig } from '../../config/index.js';
import { HostResolver, OutboundGuard, type HostAddress } from './outbound-guard.js';
import { OutboundHttp } from './outbound-http.js';
import { OutboundFailed, OutboundRefused } from './outbound.errors.js';

class Names extends HostResolver {
  lookups = 0;
  constructor(private readonly names: Record<string, string[]> = {}) {
    super();
  }

  async resolve(host: string): Promise<HostAddress[]> {
    this.lookups++;
    if (!this.names[host]) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    return this.names[host].map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  }
}

function outbound(allowPrivateNetworks: boolean, names: HostResolver = new Names()): OutboundHttp {
  const config = Object.assign(new AppConfig(), { outbound: { allowPrivateNetworks } });
  return new OutboundHttp(new OutboundGuard(config, names));
}

const refused = (reason: string) => expect.objectContaining({ name: 'OutboundRefused', reason });
const failed = (reason: string, written: boolean) => expect.objectContaining({ name: 'OutboundFailed', reason, written });

describe('an outbound request', () => {
  let server: Server;
  let base: string;
  let seen: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request);
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

  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://0/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://127。0。0。1/',
    'https://①②⑦.0.0.1/',
  ])('does not go to %s: a tenant would reach the network this runs in', async (url) => {
    const names = new Names();
    await expect(outbound(false, names).request(url)).rejects.toEqual(refused('private_address'));
    expect(names.lookups).toBe(0);
  });

  it('does not go where a name means an inner address, even when it means public ones too, and does not tell which', async () => {
    const names = new Names({ 'inner.example': ['10.0.0.7'], 'both.example': ['93.184.216.34', '::1'] });
    await expect(outbound(false, names).request('https://inner.example/')).rejects.toEqual(refused('private_address'));
    const error = await outbound(false, names)
      .request('https://both.example/')
      .catch((e: unknown) => e);
    expect(error).toEqual(refused('private_address'));
    expect((error as Error).message).not.toContain('::1');
  });

  it.each([
    ['http://example.com/', 'scheme'],
    ['ftp://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['https://user@example.com/', 'credentials'],
    ['https://user:secret@example.com/', 'credentials'],
    ['https://example.com:8443/', 'port'],
    ['https://', 'invalid_url'],
    ['not a url', 'invalid_url'],
  ])('refuses %s (%s) before looking anything up', async (url, reason) => {
    const names = new Names({ 'example.com': ['93.184.216.34'] });
    await expect(outbound(false, names).request(url)).rejects.toEqual(refused(reason));
    expect(names.lookups).toBe(0);
  });

  it('takes plain http only where it was allowed, and then only its usual port', () => {
    const guard = new OutboundGuard(Object.assign(new AppConfig(), { outbound: { allowPrivateNetworks: false } }), new Names());
    expect(guard.urlFault('http://example.com/a')).toMatch(/https/);
    expect(guard.urlFault('http://example.com/a', { allowHttp: true })).toBeNull();
    expect(guard.urlFault('http://example.com:8080/a', { allowHttp: true })).toMatch(/port/);
    expect(guard.urlFault('https://example.com:443/a')).toBeNull();
  });

  it('connects to the address that was checked, under the name that was asked for: a second look-up could mean something else', async () => {
    const names = new Names({ 'hooks.example': ['127.0.0.1'] });
    const url = base.replace('127.0.0.1', 'hooks.example');
    await expect(
      outbound(true, names).request(`${url}/a?b=1`, { method: 'POST', body: '{}', headers: { 'x-mine': '1' } }),
    ).resolves.toMatchObject({ status: 200, body: 'ok' });
    expect(names.lookups).toBe(1);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/a?b=1' });
    expect(seen[0].headers).toMatchObject({ host: new URL(url).host, 'x-mine': '1', 'content-length': '2' });
  });

  it('gives a redirect as the answer instead of following it inward', async () => {
    answer = (_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    await expect(outbound(true).request(base)).resolves.toMatchObject({ status: 302, headers: { location: 'http://169.254.169.254/' } });
    expect(seen).toHaveLength(1);
  });

  it('cuts an endless answer at its limit', async () => {
    answer = (_request, response) => {
      const write = () => void response.write('x'.repeat(16_384), () => !response.destroyed && setImmediate(write));
      write();
    };
    const { status, body } = await outbound(true).request(base, { maxBytes: 1_000 });
    expect({ status, length: body.length }).toEqual({ status: 200, length: 1_000 });
  });

  it('waits for no answer longer than it was told, and says that the request may have arrived', async () => {
    answer = () => undefined;
    await expect(outbound(true).request(base, { timeoutMs: 100 })).rejects.toEqual(failed('timeout', true));
  });

  it('counts the look-up of the name into the time', async () => {
    const names = new (class extends HostResolver {
      resolve = (): Promise<HostAddress[]> => new Promise(() => undefined);
    })();
    await expect(outbound(false, names).request('https://slow.example/', { timeoutMs: 50 })).rejects.toEqual(failed('timeout', false));
  });

  it('answers an error, never an exception of something inside, for whatever may go wrong on the way', async () => {
    const closed = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(outbound(true).request(`http://127.0.0.1:${port}/`)).rejects.toEqual(failed('connection', false));
    await expect(outbound(true).request('http://nowhere.example/')).rejects.toEqual(failed('not_resolved', false));
    await expect(outbound(true).request(base.replace('http:', 'https:'))).rejects.toEqual(failed('connection', false));

    const garbage = createTcpServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end('garbage\r\n\r\n'),
    ).listen(0, '127.0.0.1');
    await new Promise((resolve) => garbage.once('listening', resolve));
    await expect(outbound(true).request(`http://127.0.0.1:${(garbage.address() as AddressInfo).port}/`)).rejects.toEqual(
      failed('protocol', true),
    );
    await new Promise((resolve) => garbage.close(resolve));
  });

  it('tells refusals from failures by class', async () => {
    await expect(outbound(false).request('http://127.0.0.1/')).rejects.toBeInstanceOf(OutboundRefused);
    await expect(outbound(false).request('https://nowhere.example/')).rejects.toBeInstanceOf(OutboundFailed);
  });
});
