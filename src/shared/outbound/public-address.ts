import { BlockList, isIP } from 'node:net';

/** IANA IPv4 special-purpose registry, multicast and reserved space: nothing there is a public server. */
const CLOSED_V4: [string, number][] = [
  ['0.0.0.0', 8], // "this network"; connects to the machine itself on Linux
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT, and inside many clouds
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local: metadata services of clouds
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Inside 2000::/3. Tunnels are closed because they carry an IPv4 address that nobody has looked at. */
const CLOSED_V6: [string, number][] = [
  ['2001::', 23], // IETF protocol assignments, Teredo among them
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4
  ['3fff::', 20],
];

const closedV4 = new BlockList();
const closedV6 = new BlockList();
const globalV6 = new BlockList();
for (const [net, prefix] of CLOSED_V4) closedV4.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of CLOSED_V6) closedV6.addSubnet(net, prefix, 'ipv6');
// Global unicast is all of IPv6 that is routed on the Internet (RFC 4291 §2.4). Loopback, mapped and translated IPv4 (::ffff:0:0/96, 64:ff9b::/96),
// unique local, link-local and multicast addresses are outside it, in whatever notation they are written.
globalV6.addSubnet('2000::', 3, 'ipv6');

/** Whether a literal IP address belongs to a server on the public Internet. Anything that is not an IP address is not. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !closedV4.check(address, 'ipv4');
  // A zone index (fe80::1%eth0) names an interface of this machine.
  if (version === 6) return !address.includes('%') && globalV6.check(address, 'ipv6') && !closedV6.check(address, 'ipv6');
  return false;
}
