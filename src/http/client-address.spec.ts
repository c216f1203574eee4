import { clientAddress, networkOf } from './client-address.js';

describe('clientAddress', () => {
  const of = (ip: string, remoteAddress = '192.0.2.1') => clientAddress({ ip, socket: { remoteAddress } } as never);

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:DB8::5', '2001:db8::5'],
    ['[2001:db8::5]:443', '2001:db8::5'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('reads %s as %s, so that one client has one name in limits and in the audit log', (ip, address) => {
    expect(of(ip)).toBe(address);
  });

  it.each(['unknown', '', '203.0.113', '203.0.113.7, 203.0.113.8', "'; DROP TABLE", 'x'.repeat(10_000)])(
    'takes %.20s for no address but for the peer, so that no header gets into the audit log',
    (ip) => {
      expect(of(ip)).toBe('192.0.2.1');
      expect(of(ip, '::ffff:192.0.2.1')).toBe('192.0.2.1');
    },
  );
});

describe('networkOf', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ])('counts %s as %s: whoever has a /64 has no more tries than others', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
