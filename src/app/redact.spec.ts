import { redact, redacted } from './redact.js';

const TOKEN = 'AZ1-'.repeat(22);

describe('what a log line shows', () => {
  it.each([
    ['550 5.1.1 <ada.l+x@mail.example.com>: no such user', '550 5.1.1 <[address]>: no such user'],
    ['GET /unsubscribe?to=ada%40example.com', 'GET /unsubscribe?to=[address]'],
    ['connect to smtps://user:p%40ss@mx.example.com:465 failed', 'connect to smtps://[credentials]@mx.example.com:465 failed'],
    ['Authorization: Bearer abc.def-123456', 'Authorization: Bearer [credential]'],
    ['jwt eyJhbGciOi.eyJzdWIi.c2ln expired', 'jwt [token] expired'],
    ['key SG.abcdefgh.12345678 and whsec_MfKQ9r8GKYqrTwjU', 'key [secret] and [secret]'],
    [`GET /t/o/${TOKEN} failed`, 'GET /t/o/[token] failed'],
    ['invalid input syntax for type numeric: "Ada Lovelace"', 'invalid input syntax for type numeric: "…"'],
    ['value "99999999999" is out of range for type integer', 'value "…" is out of range for type integer'],
  ])('says nothing of a person and no secret: %s', (text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  it.each([
    'Campaign 0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10 was paused: 2 bounces of 20 messages sent: 10.00 %',
    'GET /api/campaigns/:id/contacts/:contactId answered 503 (urn:uuid:0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10)',
    'duplicate key value violates unique constraint "contacts_email_uq"',
    'Error: no\n    at DeliveryService.deliverCampaign (file:///app/node_modules/@nestjs/core/injector/injector.js:84:39)',
  ])('keeps what somebody needs to find the fault: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('looks into objects and errors', () => {
    expect(redacted({ to: ['a@b.example'], n: 1 })).toEqual({ to: ['[address]'], n: 1 });
    expect(redacted(new Error('a@b.example'))).toMatch(/^Error: \[address\]/);
  });
});
