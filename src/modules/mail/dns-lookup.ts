import { Resolver } from 'node:dns/promises';
import { DnsUnavailable } from './domain/dns-check.js';

/** Asks the name servers. Injected, so that tests decide what is published. */
export abstract class DnsLookup {
  /** The TXT records under a name (CNAMEs followed), each with its parts joined; none where there are none. Rejects with `DnsUnavailable`. */
  abstract txt(name: string): Promise<string[]>;
}

export interface DnsOptions {
  /** `address` or `address:port`; the system's if not set. */
  servers?: string[];
  /** Before a server is asked again. */
  timeoutMs?: number;
  tries?: number;
}

/** The name has no such record, does not exist, or could not exist. */
const NOTHING = new Set(['ENODATA', 'ENOTFOUND', 'EBADNAME']);
const MAX_RECORDS = 50;

export class SystemDnsLookup extends DnsLookup {
  private readonly resolver: Resolver;

  constructor({ servers, timeoutMs = 2_000, tries = 2 }: DnsOptions = {}) {
    super();
    this.resolver = new Resolver({ timeout: timeoutMs, tries });
    if (servers) this.resolver.setServers(servers);
  }

  async txt(name: string): Promise<string[]> {
    try {
      const records = await this.resolver.resolveTxt(name);
      // Any byte may stand in a record; NUL is the one that cannot be stored.
      return records.slice(0, MAX_RECORDS).map((parts) => parts.join('').replaceAll('\0', ''));
    } catch (error) {
      const { code = 'unknown' } = error as { code?: string };
      if (NOTHING.has(code)) return [];
      throw new DnsUnavailable(code);
    }
  }
}
