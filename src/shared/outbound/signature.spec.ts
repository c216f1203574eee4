import { newWebhookSecret, signatureHeaders, signingSecretFault } from './signature.js';

describe('the signature of an outgoing webhook', () => {
  // The published example of Standard Webhooks, which every verifying library is tested with.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', sentAt: new Date(1_614_265_330_000), body: '{"test": 2432232314}' };

  it('is the one that receivers compute with the libraries of Standard Webhooks', () => {
    expect(signatureHeaders(message, [secret])).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('stands there once for each secret, so that a receiver may change over in between', () => {
    const newer = newWebhookSecret();
    const both = signatureHeaders(message, [newer, secret])['webhook-signature'].split(' ');
    expect(both).toHaveLength(2);
    expect(both[0]).toBe(signatureHeaders(message, [newer])['webhook-signature']);
    expect(both[1]).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is made with secrets of 32 random bytes', () => {
    const made = newWebhookSecret();
    expect(made).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(newWebhookSecret()).not.toBe(made);
  });

  it('takes secrets that others have made only if they are whole, and neither too short to protect nor endless', () => {
    expect([secret, newWebhookSecret(), `whsec_${Buffer.alloc(64, 1).toString('base64')}`].map(signingSecretFault)).toEqual([
      null,
      null,
      null,
    ]);
    const made = (bytes: number) => `whsec_${Buffer.alloc(bytes, 1).toString('base64')}`;
    for (const wrong of ['', 'whsec_', made(23), made(65), made(32).slice(6), `whsec_${'%'.repeat(40)}`, 42, {}])
      expect(signingSecretFault(wrong)).toContain('24 to 64');
  });
});
