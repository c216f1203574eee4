import { isIP } from 'node:net';

/** What is looked at of a request. */
export interface AddressedRequest {
  ip: string;
  socket: { remoteAddress?: string };
}

/**
 * From where a request comes: the peer of the connection, or the client that the trusted proxies (`TRUST_PROXY`) name. Always an address, never the
 * text of a header: what a proxy names that is none (`unknown`, a name, nonsense) counts for nothing, and the proxy itself is the answer.
 */
export function clientAddress({ ip, socket }: AddressedRequest): string {
  return addressIn(ip) ?? addressIn(socket.remoteAddress) ?? 'unknown';
}

/** Without port, brackets and zone; IPv4 in its own form, also where the socket speaks IPv6. */
function addressIn(text: string | undefined): string | null {
  if (!text) return null;
  const bare = (/^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text).replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:([\d.]+)$/.exec(bare)?.[1] ?? bare;
  return isIP(mapped) ? mapped : null;
}

/** What Fastify asks for every address on the way, the peer (0) first: whether to believe what it says about the one before. */
export function isTrustedProxy(trustProxy: number | readonly string[]): string[] | ((address: string, hop: number) => boolean) {
  if (typeof trustProxy !== 'number') return [...trustProxy];
  // A function: Fastify takes a bare number for "nobody", because it cannot know that clients reach us through proxies only.
  return (_address, hop) => hop < trustProxy;
}

/** Who counts as one client: an IPv4 address, or a whole /64 network of IPv6, all of which belongs to whoever has one address in it. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [left, right] = address.split('::').map((side) => (side === '' ? [] : side.split(':')));
  const groups = right === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  const network = groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
