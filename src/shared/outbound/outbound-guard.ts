import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { OutboundFailed, OutboundRefused } from './outbound.errors.js';
import { isPublicAddress } from './public-address.js';

export interface HostAddress {
  address: string;
  family: 4 | 6;
}

/** Names to addresses. Injected, so that tests decide what a name means. Rejects when the name means nothing. */
export abstract class HostResolver {
  abstract resolve(host: string): Promise<HostAddress[]>;
}

@Injectable()
export class SystemHostResolver extends HostResolver {
  async resolve(host: string): Promise<HostAddress[]> {
    const found = await lookup(host, { all: true, verbatim: true });
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
  }
}

export interface UrlPolicy {
  /** Also plain http on port 80. Off unless the request carries nothing worth protecting. */
  allowHttp?: boolean;
}

/**
 * Decides where this process may connect on behalf of a tenant: nowhere inside the network it runs in (SSRF; OWASP API7). The order matters:
 * resolve, look at *every* address, then connect to one of those and to nothing else, so that a name that changes its meaning in between
 * gains nothing. `ALLOW_PRIVATE_NETWORKS=true` opens everything: for tests and for installations whose tenants are their owners.
 */
@Injectable()
export class OutboundGuard {
  private readonly allowsPrivate: boolean;

  constructor(
    config: AppConfig,
    private readonly resolver: HostResolver,
  ) {
    this.allowsPrivate = config.outbound.allowPrivateNetworks;
  }

  /** What is wrong with a URL as it stands, to be read behind "it", or null; no name is looked up. For validation when something is saved. */
  urlFault(url: string, policy: UrlPolicy = {}): string | null {
    try {
      this.parseUrl(url, policy);
      return null;
    } catch (error) {
      if (!(error instanceof OutboundRefused)) throw error;
      return error.reason === 'private_address' ? 'leads to an address that is not on the public Internet' : error.message;
    }
  }

  /** The URL, once scheme, port, credentials and a literal address in it are acceptable. Throws {@link OutboundRefused}. */
  parseUrl(text: string, policy: UrlPolicy = {}): URL {
    if (!URL.canParse(text)) throw new OutboundRefused('invalid_url', 'is not a URL');
    const url = new URL(text);
    const allowHttp = policy.allowHttp || this.allowsPrivate;
    if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
      throw new OutboundRefused('scheme', allowHttp ? 'must begin with https:// or http://' : 'must begin with https://');
    }
    if (url.username !== '' || url.password !== '') throw new OutboundRefused('credentials', 'must not contain a user name or password');
    // A port that is the scheme's own is empty here.
    if (url.port !== '' && !this.allowsPrivate) throw new OutboundRefused('port', 'must use the usual port (443 for https)');
    const host = bareHost(url.hostname);
    if (isIP(host)) this.assertAllowed(host, host);
    return url;
  }

  /** The addresses behind a host name or literal, all of them acceptable. Throws {@link OutboundRefused} or {@link OutboundFailed}. */
  async addresses(hostname: string): Promise<HostAddress[]> {
    const host = bareHost(hostname);
    const version = isIP(host);
    if (version) {
      this.assertAllowed(host, host);
      return [{ address: host, family: version === 6 ? 6 : 4 }];
    }
    const found = await this.resolver.resolve(host).catch(() => []);
    if (found.length === 0) throw new OutboundFailed('not_resolved', `the name ${host} has no address`, false);
    for (const { address } of found) this.assertAllowed(address, host);
    return found;
  }

  private assertAllowed(address: string, host: string): void {
    if (this.allowsPrivate || isPublicAddress(address)) return;
    // Not which address: what a name means inside our network is not the tenant's business.
    throw new OutboundRefused('private_address', `${host} is not on the public Internet`);
  }
}

/** Without the brackets of an IPv6 literal. */
function bareHost(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
}
