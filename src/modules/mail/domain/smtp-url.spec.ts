import { MailConfigurationError } from '../mail.errors.js';
import { parseSmtpUrl } from './smtp-url.js';

describe('SMTP_URL', () => {
  it('is read with its defaults, credentials and options', () => {
    expect(parseSmtpUrl('smtp://relay.example')).toEqual({ host: 'relay.example', port: 587, secure: false, requireTls: false });
    expect(parseSmtpUrl('smtps://u%40x:p%3Aw%25@relay.example?pool=12&name=mail.shop.example')).toEqual({
      host: 'relay.example',
      port: 465,
      secure: true,
      requireTls: false,
      user: 'u@x',
      pass: 'p:w%',
      pool: 12,
      name: 'mail.shop.example',
    });
    expect(parseSmtpUrl('smtp://[::1]:2525/?requireTLS=true')).toMatchObject({ host: '::1', port: 2525, requireTls: true });
  });

  it.each([
    'relay.example',
    'http://u:secret@relay.example',
    'smtp://',
    'smtp://u:secret@relay.example/path',
    'smtp://u:secret@relay.example?pool=0',
    'smtp://u:secret@relay.example?pool=many',
    'smtp://u:secret@relay.example?tls=yes',
    'smtp://u:secret@relay.example?requireTLS=maybe',
    'smtp://u:secret%@relay.example',
    'smtp://relay.example?name=a%0d%0ab',
  ])('%s stops the start with a reason and without the password', (url) => {
    expect(() => parseSmtpUrl(url)).toThrow(MailConfigurationError);
    expect(() => parseSmtpUrl(url)).not.toThrow(/secret/);
  });
});
