import { SecretBox } from './secret-box.js';

describe('sealed secrets', () => {
  const older = 'an older application secret, 32 characters';
  const box = new SecretBox('the application secret of this test', [older]);

  it('can be opened by their owner only, and do not show what they hold', () => {
    const sealed = box.seal('whsec_abc', 'tenant/endpoint');
    expect(sealed.includes('whsec_abc')).toBe(false);
    expect(box.open(sealed, 'tenant/endpoint')).toBe('whsec_abc');
    expect(() => box.open(sealed, 'tenant/other')).toThrow('sealed');
  });

  it('outlive a change of the application secret', () => {
    expect(box.open(new SecretBox(older, []).seal('whsec_abc', 'x'), 'x')).toBe('whsec_abc');
    expect(() => new SecretBox(older, []).open(box.seal('whsec_abc', 'x'), 'x')).toThrow('APP_SECRET_PREVIOUS');
  });
});
