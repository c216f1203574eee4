import { addressFault } from './address.js';

describe('the address of a contact', () => {
  it.each([
    'ada@example.com',
    'Ada.Lovelace+news@sub.example.co.uk',
    "o'brien@example.com",
    '!#$%&*/=?^_`{|}~-@example.com',
    'a@xn--bcher-kva.example',
    `${'a'.repeat(64)}@example.com`,
    'a@1.example',
    'x@notreallyerased.invalid',
  ])('may be %s', (address) => {
    expect(addressFault(address)).toBeNull();
  });

  it.each([
    ['', /empty/],
    ['ada', /name@example.com/],
    ['@example.com', /name@example.com/],
    ['ada@', /domain/],
    ['ada@example', /full domain/],
    ['Ada <ada@example.com>', /one plain/],
    ['a@example.com,b@example.com', /one plain/],
    ['a@example.com;b@example.com', /one plain/],
    ['"a b"@example.com', /one plain/],
    ['a b@example.com', /one plain/],
    ['a@b@example.com', /before the @/],
    ['.a@example.com', /before the @/],
    ['a..b@example.com', /before the @/],
    ['a\r\nBcc: b@example.com', /one plain/],
    ['a@example.com\r\n', /domain/],
    ['a@example.com ', /domain/],
    ['a\0@example.com', /before the @/],
    ['a@[127.0.0.1]', /domain/],
    ['a@127.0.0.1', /domain/],
    ['a@-example.com', /domain/],
    ['a@example..com', /domain/],
    ['a@example.com.', /domain/],
    ['a@bücher.example', /xn--/],
    ['jürgen@example.com', /before the @/],
    [`${'a'.repeat(65)}@example.com`, /64/],
    [`a@${'b.'.repeat(127)}com`, /254/],
    ['erased-1@erased.invalid', /reserved/],
    ['x@sub.Erased.Invalid', /reserved/],
  ])('may not be %j, and the message says why', (address, message) => {
    expect(addressFault(address)).toMatch(message);
  });
});
