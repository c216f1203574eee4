import fc from 'fast-check';
import { hashApiKey, hintOf, isSameHash, newApiKey, parseApiKey } from './api-key-format.js';

describe('API keys', () => {
  it('say whose they are', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (tenantId, keyId) => {
        expect(parseApiKey(newApiKey({ tenantId, keyId }))).toEqual({ tenantId, keyId });
      }),
    );
  });

  it('are never the same twice', () => {
    const whose = { tenantId: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10', keyId: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a11' };
    expect(newApiKey(whose)).not.toBe(newApiKey(whose));
  });

  it('are read from no other text, and no text breaks the reading', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(parseApiKey(text)).toBeNull()));
    fc.assert(fc.property(fc.base64String(), (text) => expect(parseApiKey(`ce_${text}`)).toBeNull()));
  });

  it('have one spelling only: the unused bits at the end of the ids are zero', () => {
    const key = newApiKey({ tenantId: '00000000-0000-7000-8000-000000000000', keyId: '00000000-0000-7000-8000-000000000000' });
    const [prefix, whose, secret] = [key.slice(0, 3), key.slice(3, 46), key.slice(47)];
    expect(parseApiKey(`${prefix}${whose.slice(0, -1)}B_${secret}`)).toBeNull();
  });

  it('are compared by their hash, of whatever length', () => {
    expect(isSameHash(hashApiKey('a'), hashApiKey('a'))).toBe(true);
    expect(isSameHash(hashApiKey('a'), hashApiKey('b'))).toBe(false);
    expect(isSameHash(hashApiKey('a'), Buffer.alloc(5))).toBe(false);
  });

  it('show no more than their end', () => {
    expect(hintOf('ce_aaaa_bbbbcdef')).toBe('…cdef');
  });
});
