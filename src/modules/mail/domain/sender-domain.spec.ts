import { generateKeyPairSync } from 'node:crypto';
import { DnsUnavailable, type TxtLookup } from './dns-check.js';
import { checkDkim } from './dkim.js';
import { checkDmarc } from './dmarc.js';
import { isAligned, organisationalDomain, toDomainName } from './domain-name.js';
import { adviceFor, bounded, checkRecords, verdict, type CheckedDomain } from './sender-domain.js';
import { checkSpf } from './spf.js';

const zone =
  (records: Record<string, string | string[] | Error>): TxtLookup =>
  (name) => {
    const found = records[name] ?? [];
    return found instanceof Error ? Promise.reject(found) : Promise.resolve([found].flat());
  };
const key = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
const GOOD_KEY = `v=DKIM1; k=rsa; p=${key(2048)}`;
const codes = ({ findings }: { findings: { code: string }[] }) => findings.map(({ code }) => code);

describe('SPF', () => {
  const spf = (record: string | string[], others: Record<string, string | string[]> = {}, include: string | null = null) =>
    checkSpf('acme.example', zone({ 'acme.example': record, ...others }), include);

  it('is read in no time whatever stands in it: a record made for that must not stop everybody else’s mail', async () => {
    const startedAt = performance.now();
    expect(codes(await spf(`v=spf1 a:${'/'.repeat(60_000)}x ~all`))).toEqual(['syntax']);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('is in order where a provider is included and everybody else is not', async () => {
    const found = await spf(
      'v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:sendgrid.net ~all',
      { 'sendgrid.net': 'v=spf1 ip4:167.89.0.0/17 ~all' },
      'sendgrid.net',
    );
    expect(found).toMatchObject({ status: 'ok', findings: [], value: expect.stringContaining('include:sendgrid.net') });
  });

  it('says which of its terms were not checked, instead of calling servers fine that nobody looked up', async () => {
    const found = await spf('v=spf1 a mx/28 exists:%{i}.acme.example include:i.example -all', {
      'i.example': 'v=spf1 a:mail.i.example -all',
    });
    expect(found).toMatchObject({ status: 'ok', findings: [{ severity: 'info', code: 'not_checked' }] });
    expect(found.findings[0].message).toContain(': a, mx, exists:%{i}.acme.example, a:mail.i.example.');
  });

  it('that is missing comes with the record to publish', async () => {
    const found = await spf(['google-site-verification=x', 'v=spf10 nonsense'], {}, 'spf.mail.example');
    expect(found).toMatchObject({ status: 'missing', value: null });
    expect(found.findings[0].publish).toEqual({ type: 'TXT', name: 'acme.example', value: 'v=spf1 include:spf.mail.example ~all' });
  });

  it.each([
    ['two records', ['v=spf1 -all', 'v=spf1 ~all'], 'several_records'],
    ['everybody allowed', 'v=spf1 +all', 'allows_everybody'],
    ['everybody allowed by default', 'v=spf1 all', 'allows_everybody'],
    ['an unknown term', 'v=spf1 inlcude:x.example -all', 'syntax'],
    ['a network that is none', 'v=spf1 ip4:300.1.1.1 -all', 'syntax'],
    ['a prefix that is none', 'v=spf1 ip4:192.0.2.0/33 -all', 'syntax'],
    ['an include without a record', 'v=spf1 include:nothing.example -all', 'broken_include'],
    ['a redirect without a record', 'v=spf1 redirect=nothing.example', 'broken_include'],
    ['an include of itself', 'v=spf1 include:acme.example -all', 'loop'],
  ])('fails with %s', async (_what, record, code) => {
    expect(await spf(record)).toMatchObject({ status: 'failed', findings: [expect.objectContaining({ code, severity: 'error' })] });
  });

  it.each([
    ['no end', 'v=spf1 ip4:192.0.2.1', 'no_all'],
    ['a neutral end', 'v=spf1 ip4:192.0.2.1 ?all', 'neutral_all'],
    ['ptr', 'v=spf1 ptr -all', 'ptr'],
  ])('is let pass with a warning about %s', async (_what, record, code) => {
    expect(await spf(record)).toMatchObject({ status: 'ok', findings: [expect.objectContaining({ code, severity: 'warning' })] });
  });

  it('says how to let the provider in', async () => {
    const found = await spf('v=spf1 mx -all', {}, 'sendgrid.net');
    expect(codes(found)).toEqual(['include_missing', 'not_checked']);
    expect(found.findings[0].publish?.value).toBe('v=spf1 include:sendgrid.net mx -all');
  });

  it('counts look-ups as receivers do: ten are fine, eleven make the record worthless', async () => {
    const includes = (count: number) => Array.from({ length: count }, (_, i) => `include:i${i}.example`).join(' ');
    const targets = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`i${i}.example`, 'v=spf1 -all']));
    expect(await spf(`v=spf1 ${includes(8)} a mx -all`, targets)).toMatchObject({ status: 'ok', findings: [{ code: 'not_checked' }] });
    expect(codes(await spf(`v=spf1 ${includes(8)} a mx exists:x.example -all`, targets))).toEqual(['too_many_lookups']);
    const nested = { ...targets, 'i0.example': `v=spf1 a mx ptr exists:x.example ?all` };
    expect(codes(await spf(`v=spf1 ${includes(7)} -all`, nested))).toContain('too_many_lookups');
  });

  it('stops following includes that multiply, so that no record makes us flood name servers', async () => {
    let asked = 0;
    const lookup: TxtLookup = (name) => {
      asked++;
      return Promise.resolve([`v=spf1 include:a.${name} include:b.${name} -all`]);
    };
    expect(codes(await checkSpf('acme.example', lookup, null))).toEqual(['too_many_lookups']);
    expect(asked).toBeLessThanOrEqual(11);
  });

  it('ignores what stands behind "all", and takes a redirect for the record itself', async () => {
    expect(await spf('v=spf1 -all include:nothing.example redirect=nothing.example')).toMatchObject({ status: 'ok', findings: [] });
    expect(await spf('v=spf1 redirect=other.example', { 'other.example': 'v=spf1 -all' })).toMatchObject({ status: 'ok', findings: [] });
  });
});

describe('a DKIM key', () => {
  const dkim = (record: string | string[]) => checkDkim('acme.example', 's1', zone({ 's1._domainkey.acme.example': record }));
  const pkcs1 = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'pkcs1' }).toString('base64');
  const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');

  it.each([
    ['as everybody publishes it', GOOD_KEY],
    ['without a version', `p=${key(2048)}`],
    ['as RFC 6376 has it', `v=DKIM1; p=${pkcs1}`],
    ['of Ed25519', `v=DKIM1; k=ed25519; p=${ed25519}`],
  ])('is in order %s', async (_what, record) => expect(await dkim(record)).toMatchObject({ selector: 's1', status: 'ok', findings: [] }));

  it.each([
    ['is revoked', 'v=DKIM1; p=', 'revoked'],
    ['was cut while it was copied', GOOD_KEY.slice(0, 120), 'bad_key'],
    ['is too short', `v=DKIM1; p=${key(512)}`, 'weak_key'],
    ['is something else', 'v=spf1 -all', 'syntax'],
    ['stands beside another', [GOOD_KEY, GOOD_KEY], 'several_records'],
    ['is of no known type', 'v=DKIM1; k=dsa; p=AAAA', 'unknown_key_type'],
    ['allows only SHA-1', `${GOOD_KEY}; h=sha1`, 'hash'],
  ])('fails where it %s', async (_what, record, code) => {
    const found = await dkim(record);
    expect([found.status, ...codes(found)]).toEqual(['failed', code]);
  });

  it('is missed under its full name', async () => {
    expect(await dkim([])).toMatchObject({ status: 'missing', name: 's1._domainkey.acme.example' });
  });

  it('may be short or marked as a test, but not unseen', async () => {
    expect(await dkim(`v=DKIM1; t=y:s; p=${key(1024)}`)).toMatchObject({
      status: 'ok',
      findings: [
        { severity: 'info', code: 'short_key' },
        { severity: 'warning', code: 'testing' },
      ],
    });
  });
});

describe('DMARC', () => {
  const dmarc = (records: Record<string, string | string[]>, domain = 'news.acme.co.uk') =>
    checkDmarc(domain, organisationalDomain(domain), zone(records));

  it('is the own record of a domain, with the policy it asks for', async () => {
    const found = await dmarc({
      '_dmarc.news.acme.co.uk': 'v=DMARC1; p=reject; adkim=s; rua=mailto:d@acme.co.uk',
      '_dmarc.acme.co.uk': 'v=DMARC1; p=none',
    });
    expect(found).toMatchObject({ status: 'ok', policy: 'reject', strictDkim: true, name: '_dmarc.news.acme.co.uk', findings: [] });
  });

  it("falls back to the organisation's, whose sp then comes first (RFC 7489 §6.6.3)", async () => {
    const organisation = '_dmarc.acme.co.uk';
    const rua = 'rua=mailto:d@acme.co.uk';
    expect(await dmarc({ [organisation]: `v=DMARC1; p=reject; sp=quarantine; ${rua}` })).toMatchObject({
      name: organisation,
      policy: 'quarantine',
    });
    expect(await dmarc({ [organisation]: `v=DMARC1; p=reject; ${rua}` })).toMatchObject({ name: organisation, policy: 'reject' });
    expect(await dmarc({ [organisation]: `v=DMARC1; p=reject; sp=none; ${rua}` }, 'acme.co.uk')).toMatchObject({ policy: 'reject' });
    expect((await dmarc({ '_dmarc.co.uk': 'v=DMARC1; p=reject' })).status).toBe('missing');
  });

  it('that is missing comes with the record to publish', async () => {
    const found = await dmarc({}, 'acme.example');
    expect(found).toMatchObject({ status: 'missing', policy: null });
    expect(found.findings[0].publish).toMatchObject({ name: '_dmarc.acme.example', value: expect.stringMatching(/^v=DMARC1; p=none/) });
  });

  it.each([
    ['several records', ['v=DMARC1; p=none', 'v=DMARC1; p=reject'], 'several_records'],
    ['no policy', 'v=DMARC1; rua=mailto:d@acme.example', 'no_policy'],
    ['an unknown policy', 'v=DMARC1; p=refuse; rua=mailto:d@acme.example', 'no_policy'],
  ])('fails with %s', async (_what, record, code) => {
    const found = await dmarc({ '_dmarc.acme.example': record }, 'acme.example');
    expect([found.status, found.policy, ...codes(found)]).toEqual(['failed', null, code]);
  });
});

describe('alignment', () => {
  it('is by organisation, and by name where it is strict; names under a public suffix have nothing in common', () => {
    expect(isAligned('news.acme.co.uk', 'mail.acme.co.uk', false)).toBe(true);
    expect(isAligned('news.acme.co.uk', 'acme.co.uk', true)).toBe(false);
    expect(isAligned('acme.co.uk', 'acme.co.uk', true)).toBe(true);
    expect(isAligned('acme.co.uk', 'other.co.uk', false)).toBe(false);
    expect(isAligned('acme.example', 'notacme.example', false)).toBe(false);
  });

  it('compares names as DNS has them', () => {
    expect(toDomainName(' Bücher.Example. ')).toBe('xn--bcher-kva.example');
    for (const bad of [
      '',
      'localhost',
      '127.0.0.1',
      '2130706433.1',
      '[::1]',
      'a@b.example',
      'https://a.example',
      '-a.example',
      'a..example',
      `${'a'.repeat(64)}.example`,
    ]) {
      expect([bad, toDomainName(bad)]).toEqual([bad, null]);
    }
  });
});

describe('a sender domain', () => {
  const settings = { domain: 'acme.example', dkimSelectors: ['s1', 's2'], spfInclude: null };
  const published = {
    'acme.example': 'v=spf1 mx ~all',
    's1._domainkey.acme.example': GOOD_KEY,
    '_dmarc.acme.example': 'v=DMARC1; p=quarantine; rua=mailto:d@acme.example',
  };
  const now = new Date('2030-01-01T00:00:00Z');
  const checked = async (records: Record<string, string | string[] | Error>, over: Partial<CheckedDomain> = {}): Promise<CheckedDomain> => {
    const found = await checkRecords(settings, zone(records));
    return { ...settings, status: verdict(found), checkedAt: now, records: found, ...over };
  };
  const advice = (domain: CheckedDomain, from = 'news@acme.example', at = now) => adviceFor(from, [domain], at).map(({ code }) => code);

  it('is verified by SPF and one key, and then there is nothing to say', async () => {
    const domain = await checked(published);
    expect(domain.status).toBe('verified');
    expect(advice(domain)).toEqual([]);
    expect(advice(domain, 'news@mail.acme.example')).toEqual([]);
  });

  it('is not verified without a key or without SPF, and the preflight says what is missing', async () => {
    const noKey = await checked({ ...published, 's1._domainkey.acme.example': [] });
    expect([noKey.status, advice(noKey)]).toEqual(['unverified', ['sender_not_aligned', 'dkim_missing', 'dkim_missing']]);
    const noSpf = await checked({ ...published, 'acme.example': [] });
    expect([noSpf.status, advice(noSpf)]).toEqual(['unverified', ['sender_not_aligned', 'spf_missing']]);
  });

  it('without DMARC is verified and warned of', async () => {
    const domain = await checked({ ...published, '_dmarc.acme.example': [] });
    expect([domain.status, advice(domain)]).toEqual(['verified', ['dmarc_missing']]);
  });

  it('is not called wrong because a name server was silent', async () => {
    const domain = await checked({ ...published, 'acme.example': new DnsUnavailable('ETIMEOUT') });
    expect(domain).toMatchObject({
      status: 'unverified',
      records: { spf: { status: 'unknown', findings: [{ code: 'lookup_failed', severity: 'warning' }] }, dmarc: { status: 'ok' } },
    });
  });

  it('covers no other organisation, and no subdomain where DMARC is strict', async () => {
    expect(advice(await checked(published), 'news@other.example')).toEqual(['sender_not_aligned']);
    const strict = await checked({ ...published, '_dmarc.acme.example': 'v=DMARC1; p=reject; adkim=s; rua=mailto:d@acme.example' });
    expect(advice(strict, 'news@mail.acme.example')).toEqual(['sender_not_aligned']);
    expect(advice(strict)).toEqual([]);
  });

  it('is to be checked first, and again after a month', async () => {
    expect(advice({ ...settings, status: 'unchecked', checkedAt: null, records: null })).toEqual(['sender_not_aligned']);
    expect(advice(await checked(published), 'news@acme.example', new Date('2030-01-31T00:00:00Z'))).toEqual(['sender_check_old']);
  });

  it('is looked up within bounds: an end in time, an end in names, no name twice', async () => {
    const never = new AbortController();
    let asked = 0;
    const counting = bounded(() => Promise.resolve([String(++asked)]), never.signal);
    await Promise.all([counting('a.example'), counting('a.example')]);
    expect(asked).toBe(1);
    const names = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => counting(`n${i}.example`)));
    expect(names.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(20);
    const late = new AbortController();
    const waiting = bounded(() => new Promise(() => undefined), late.signal)('slow.example');
    late.abort();
    await expect(waiting).rejects.toBeInstanceOf(DnsUnavailable);
  });
});
