import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTHeaderParameters, SignJWT, UnsecuredJWT } from 'jose';
import { loadConfig } from '../../../config/index.js';
import type { Clock } from '../../../shared/clock.js';
import { JwtTokens } from './jwt-tokens.js';

const SECRET = 'a secret of these tests, longer than thirty-two characters';
const TENANT = '018f0000-0000-7000-8000-00000000000a';
const USER = '018f0000-0000-7000-8000-00000000000b';
const NOW = new Date('2030-01-07T08:00:00Z');
const SECONDS = NOW.getTime() / 1000;
const CLAIMS = { iss: 'https://id.example', aud: 'campaigns', sub: USER, tenant: TENANT, iat: SECONDS, exp: SECONDS + 900 };

const clock: Clock = { now: () => NOW };
const tokens = (env: Record<string, string>) =>
  new JwtTokens(
    loadConfig({ DATABASE_URL: 'postgres://u@h/x', APP_SECRET: SECRET, JWT_ISSUER: CLAIMS.iss, JWT_AUDIENCE: CLAIMS.aud, ...env }),
    clock,
  );

function signed(key: CryptoKey | Uint8Array, header: JWTHeaderParameters, claims: object = {}): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader(header).sign(key);
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const hs = (claims: object = {}, header: object = {}, secret = SECRET) =>
  signed(bytes(secret), { alg: 'HS256', typ: 'JWT', ...header }, claims);

describe('a token signed with the shared secret', () => {
  const ours = tokens({ JWT_SECRET: SECRET });

  it('says whose it is: by the id of the user, or by an address that the issuer has verified', async () => {
    expect(await ours.verify(await hs())).toEqual({ tenantId: TENANT, userId: USER, email: null });
    const outside = { sub: 'auth0|42', email: 'Ada@Example.com' };
    expect(await ours.verify(await hs({ ...outside, email_verified: true }))).toEqual({
      tenantId: TENANT,
      userId: null,
      email: 'ada@example.com',
    });
    expect(await ours.verify(await hs(outside))).toBeNull();
    expect(await ours.verify(await hs({ ...outside, email_verified: 'true' }))).toBeNull();
  });

  it.each<[string, () => Promise<string> | string]>([
    ['with another secret', () => hs({}, {}, 'another secret, also longer than thirty-two characters')],
    ['by nobody (alg none)', () => new UnsecuredJWT(CLAIMS).encode()],
    ['by nobody, with the signature left off', async () => (await hs()).replace(/[^.]*$/, '')],
    ['by a stronger algorithm than agreed', () => signed(bytes(SECRET.repeat(2)), { alg: 'HS512' })],
    ['and has expired', () => hs({ iat: SECONDS - 900, exp: SECONDS - 31 })],
    ['and never ends', () => hs({ exp: undefined })],
    ['and is older than an hour, whatever end it names', () => hs({ iat: SECONDS - 3_700, exp: SECONDS + 900 })],
    ['and is not valid yet', () => hs({ nbf: SECONDS + 60 })],
    ['for another audience', () => hs({ aud: 'billing' })],
    ['by another issuer', () => hs({ iss: 'https://evil.example' })],
    ['for another use of tokens', () => hs({}, { typ: 'logout+jwt' })],
    ['and names no tenant', () => hs({ tenant: undefined })],
    ['and names something else for a tenant', () => hs({ tenant: `${TENANT}' OR 1=1` })],
    ['and names nobody', () => hs({ sub: undefined })],
    [
      'and was altered',
      async () => (await hs()).replace(/\.[^.]*\./, `.${Buffer.from(JSON.stringify({ ...CLAIMS, sub: TENANT })).toString('base64url')}.`),
    ],
    ['and is no token at all', () => 'a.b.c'],
  ])('is refused when signed %s', async (_, make) => {
    expect(await ours.verify(await make())).toBeNull();
  });

  it('is allowed half a minute of difference between clocks', async () => {
    expect(await ours.verify(await hs({ iat: SECONDS - 900, exp: SECONDS - 29 }))).not.toBeNull();
  });

  it('is nothing where tokens are not configured', async () => {
    const off = new JwtTokens(loadConfig({ DATABASE_URL: 'postgres://u@h/x', APP_SECRET: SECRET }), clock);
    expect(await off.verify(await hs())).toBeNull();
  });
});

describe('a token signed with a key of the issuer’s set', () => {
  let server: Server;
  let url: string;
  let keys: { publicKey: CryptoKey; privateKey: CryptoKey };
  let fetched = 0;
  let answer: () => { status: number; body: string };

  beforeAll(async () => {
    keys = await generateKeyPair('ES256', { extractable: true });
    const body = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] });
    answer = () => ({ status: 200, body });
    server = createServer((_, response) => {
      fetched++;
      const { status, body: text } = answer();
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  });
  afterAll(() => server.close());

  it('is taken, and the set is fetched once for many', async () => {
    const ours = tokens({ JWT_JWKS_URL: url });
    fetched = 0;
    const token = await signed(keys.privateKey, { alg: 'ES256', kid: 'k1', typ: 'at+jwt' });
    for (let i = 0; i < 5; i++) expect(await ours.verify(token)).toMatchObject({ userId: USER });
    expect(fetched).toBe(1);
  });

  it('is refused for an unknown key id, for a key it brings along, and for the public key used as a secret', async () => {
    const ours = tokens({ JWT_JWKS_URL: url });
    const foreign = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(foreign.publicKey);
    expect(await ours.verify(await signed(foreign.privateKey, { alg: 'ES256', kid: 'k2' }))).toBeNull();
    expect(await ours.verify(await signed(foreign.privateKey, { alg: 'ES256', kid: 'k1' }))).toBeNull();
    expect(await ours.verify(await signed(foreign.privateKey, { alg: 'ES256', kid: 'k1', jwk }))).toBeNull();
    expect(await ours.verify(await signed(foreign.privateKey, { alg: 'ES256', kid: 'k1', jku: 'http://127.0.0.1:1/mine' }))).toBeNull();
    const asSecret = bytes(await exportSPKI(keys.publicKey));
    expect(await ours.verify(await signed(asSecret, { alg: 'HS256', kid: 'k1' }))).toBeNull();
    expect(await ours.verify(new UnsecuredJWT(CLAIMS).encode())).toBeNull();
  });

  it('is not judged while the set cannot be had: that is no fault of whoever sent it', async () => {
    const token = await signed(keys.privateKey, { alg: 'ES256', kid: 'k1' });
    const working = answer;
    for (const broken of [
      { status: 500, body: '' },
      { status: 200, body: '[]' },
    ]) {
      answer = () => broken;
      await expect(tokens({ JWT_JWKS_URL: url }).verify(token)).rejects.toMatchObject({ code: 'keys_unavailable' });
    }
    answer = working;
    await expect(tokens({ JWT_JWKS_URL: 'http://127.0.0.1:1/jwks' }).verify(token)).rejects.toMatchObject({ code: 'keys_unavailable' });
  });
});
