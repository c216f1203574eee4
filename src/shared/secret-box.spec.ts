import { AppConfig } from '../config/index.js';
import { SecretBox } from './secret-box.js';

const box = (appSecret: string, previousAppSecrets: string[] = []): SecretBox =>
  new SecretBox(Object.assign(new AppConfig(), { appSecret, previousAppSecrets }));

const OLD = 'an old secret of tests, long enough';
const NEW = 'a new secret of tests, long enough.';

describe('a stored secret', () => {
  it('opens where it belongs, does not stand in what is stored, and looks different each time', () => {
    const sealed = box(OLD).seal('pässword', 'account/1');
    expect(box(OLD).open(sealed, 'account/1')).toBe('pässword');
    expect(sealed.includes('ssword')).toBe(false);
    expect(box(OLD).seal('pässword', 'account/1').equals(sealed)).toBe(false);
  });

  it('does not open in another row: nobody borrows a password by copying it', () => {
    expect(box(OLD).open(box(OLD).seal('s', 'account/1'), 'account/2')).toBeNull();
  });

  it('outlives a change of the application’s secret, as long as the old one is configured, and is sealed with the new one from then on', () => {
    const sealed = box(OLD).seal('s', 'a');
    expect(box(NEW, [OLD]).open(sealed, 'a')).toBe('s');
    expect(box(NEW).open(sealed, 'a')).toBeNull();
    expect(box(NEW).open(box(NEW, [OLD]).seal('s', 'a'), 'a')).toBe('s');
  });

  it('does not open when a single bit of it was changed, and never throws', () => {
    const sealed = box(OLD).seal('secret', 'a');
    for (let at = 0; at < sealed.length; at++) {
      const damaged = Buffer.from(sealed);
      damaged[at] ^= 1;
      expect(box(OLD).open(damaged, 'a')).toBeNull();
      expect(box(OLD).open(sealed.subarray(0, at), 'a')).toBeNull();
    }
  });
});
