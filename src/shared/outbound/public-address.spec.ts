import { BlockList } from 'node:net';
import fc from 'fast-check';
import { isPublicAddress } from './public-address.js';

describe('a public address', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.0',
    '169.253.1.1',
    '2606:4700:4700::1111',
    '2a00:1450::1',
  ])('is %s', (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    ...[
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '100.127.255.255',
      '127.0.0.1',
      '127.255.255.254',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...['192.0.0.170', '192.168.1.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:8.8.8.8',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b::8.8.8.8',
      '64:ff9b:1::1',
    ],
    ...[
      '2002:7f00:1::',
      '2001:0:4136:e378::',
      '2001:db8::1',
      'fc00::1',
      'fd12:3456::1',
      'fe80::1',
      'fe80::1%eth0',
      'fec0::1',
      'ff02::1',
      '3fff::1',
    ],
    ...['localhost', 'example.com', '', '2130706433', '0x7f.1', '127.1', '1.2.3.4.5'],
  ])('is not %j', (address) => expect(isPublicAddress(address)).toBe(false));

  it('is never in a private network, whatever the number: a hole here opens the network this runs in to every tenant', () => {
    const nets = new BlockList();
    for (const [net, prefix] of [
      ['10.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['127.0.0.0', 8],
      ['169.254.0.0', 16],
    ] as const)
      nets.addSubnet(net, prefix);
    fc.assert(
      fc.property(fc.constantFrom('10.', '172.16.', '172.31.', '192.168.', '127.', '169.254.'), fc.ipV4(), (head, tail) => {
        const octets = [...head.split('.').filter(Boolean), ...tail.split('.')].slice(0, 4).join('.');
        expect(nets.check(octets)).toBe(true);
        expect(isPublicAddress(octets)).toBe(false);
        expect(isPublicAddress(`::ffff:${octets}`)).toBe(false);
        expect(isPublicAddress(`64:ff9b::${octets}`)).toBe(false);
      }),
    );
  });
});
