import fc from 'fast-check';
import {
  readClick,
  readReply,
  readTracking,
  readUnsubscribe,
  signDynamicLink,
  signReply,
  signTracking,
  signUnsubscribe,
  TokenKeys,
  type MessageRef,
} from './tokens.js';

const keys = new TokenKeys(['a secret of at least thirty-two characters']);
const ref: MessageRef = { tenantId: '0195aaaa-0000-7000-8000-000000000001', emailId: '0195bbbb-0000-7000-8000-000000000002' };
const contactId = '0195cccc-0000-7000-8000-000000000003';

/** Every way to change one character, or to cut or extend the token. */
const alterations = (token: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(fc.nat(token.length - 1), fc.constantFrom(...'ABCXYZabcxyz0189-_.~'))
      .map(([at, char]) => token.slice(0, at) + char + token.slice(at + 1)),
    fc.nat(token.length - 1).map((length) => token.slice(0, length)),
    fc.constantFrom('A', '=', '.', ' ').map((tail) => token + tail),
  );

describe('the tokens in a message', () => {
  it('name their message again', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), fc.uuid(), fc.webUrl(), (tenantId, emailId, contact, url) => {
        const token = signTracking(keys, { tenantId, emailId });
        expect(readTracking(keys, token)).toEqual({ tenantId, emailId });
        expect(readClick(keys, `${token}.AbCdEfGh-_1`)).toEqual({ tenantId, emailId, linkId: 'AbCdEfGh-_1' });
        expect(readClick(keys, signDynamicLink(keys, token, url))).toEqual({ tenantId, emailId, url });
        const unsubscribe = signUnsubscribe(keys, { tenantId, emailId, contactId: contact });
        expect(readUnsubscribe(keys, unsubscribe)).toEqual({ tenantId, emailId, contactId: contact });
      }),
    );
  });

  it('are worthless once one character is altered: nobody can guess a token or redirect to an address of their own', () => {
    const token = signTracking(keys, ref);
    const link = signDynamicLink(keys, token, 'https://example.com/a?b=c');
    const unsubscribe = signUnsubscribe(keys, { ...ref, contactId });
    fc.assert(
      fc.property(alterations(token), (altered) => altered === token || readTracking(keys, altered) === null),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(alterations(unsubscribe), (altered) => altered === unsubscribe || readUnsubscribe(keys, altered) === null),
      {
        numRuns: 500,
      },
    );
    fc.assert(
      fc.property(alterations(link), (altered) => altered === link || readClick(keys, altered) === null),
      { numRuns: 1000 },
    );
  });

  it('of one kind are not valid as another: a forwarded pixel cannot unsubscribe anybody', () => {
    const token = signTracking(keys, ref);
    expect(readUnsubscribe(keys, token)).toBeNull();
    expect(readTracking(keys, signUnsubscribe(keys, { ...ref, contactId }))).toBeNull();
    const other = signTracking(keys, { ...ref, emailId: contactId });
    const [, url, mac] = signDynamicLink(keys, token, 'https://example.com/').split('~');
    expect(readClick(keys, `${other}~${url}~${mac}`)).toBeNull();
  });

  it('stay valid when the key is rotated, and are not valid under a foreign key', () => {
    const token = signTracking(keys, ref);
    const link = signDynamicLink(keys, token, 'https://example.com/');
    const rotated = new TokenKeys(['a secret of at least thirty-two characters', 'the next secret, thirty-two characters long']);
    expect(readTracking(rotated, token)).toEqual(ref);
    expect(readClick(rotated, link)).toMatchObject({ url: 'https://example.com/' });
    expect(readTracking(keys, signTracking(rotated, ref))).toBeNull();
    expect(readTracking(new TokenKeys(['another secret of thirty-two characters!']), token)).toBeNull();
  });

  it('stay valid when the oldest of several keys is retired', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `secret ${name}, which has thirty-two characters`);
    const token = signTracking(new TokenKeys([a, b]), ref);
    const link = signDynamicLink(new TokenKeys([a, b]), token, 'https://example.com/');
    expect(readTracking(new TokenKeys([b, c]), token)).toEqual(ref);
    expect(readClick(new TokenKeys([b, c]), link)).toMatchObject({ url: 'https://example.com/' });
    expect(readTracking(new TokenKeys([c]), token)).toBeNull();
  });

  it('fit into a line of a message', () => {
    expect(signTracking(keys, ref)).toHaveLength(67);
    expect(signUnsubscribe(keys, { ...ref, contactId })).toHaveLength(88);
  });
});

describe('the address to which answers to a message go', () => {
  const old = new TokenKeys(['an old secret of at least thirty-two characters']);
  const rotated = new TokenKeys(['an old secret of at least thirty-two characters', 'a new secret of at least thirty-two characters']);

  it('names its message again, in whatever case and company mail systems put it, and fits where addresses must', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (tenantId, emailId) => {
        const address = signReply(keys, { tenantId, emailId });
        expect(address.length).toBeLessThanOrEqual(64);
        expect(readReply(keys, `"A, b" <x@a.example>, <${address.toUpperCase()}@reply.example>`)).toEqual({ tenantId, emailId });
      }),
    );
  });

  it('outlives a rotation of the secret', () => {
    expect(readReply(rotated, `${signReply(old, ref)}@reply.example`)).toEqual(ref);
    expect(readReply(old, `${signReply(rotated, ref)}@reply.example`)).toBeNull();
  });

  it('is none of ours with one character changed', () => {
    const address = signReply(keys, ref);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 63 }), fc.constantFrom(...'abcxyz0189'), (at, char) => {
        const altered = address.slice(0, at) + char + address.slice(at + 1);
        expect(readReply(keys, `${altered}@reply.example`)).toEqual(altered === address ? ref : null);
      }),
    );
  });

  it('finds the genuine one among made-up ones', () => {
    const text = `r+${'z'.repeat(62)}@x.example, r+${'0'.repeat(62)}@x.example, ${signReply(keys, ref)}@x.example`;
    expect(readReply(keys, text)).toEqual(ref);
  });
});
