import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import type { ClickRef } from './domain/tokens.js';
import { TrackingQueries } from './tracking.queries.js';
import { isWebAddress } from './tracking.service.js';

const CACHE_SIZE = 20_000;

/** Where a click leads. Registered links never change, so the most recently used ones are kept in memory. */
@Injectable()
export class LinkDirectory {
  private readonly cache = new Map<string, string>();

  constructor(
    private readonly db: Database,
    private readonly queries: TrackingQueries,
  ) {}

  /** The address, or null where the tenant has no such link. Never anything but http and https, whatever the table says. */
  async resolve(click: ClickRef): Promise<string | null> {
    return click.url === undefined ? this.registered(click.tenantId, click.linkId) : safe(click.url);
  }

  private async registered(tenantId: string, linkId: string): Promise<string | null> {
    const key = `${tenantId}/${linkId}`;
    const known = this.cache.get(key) ?? (await this.find(tenantId, linkId));
    if (known === null) return null;
    // Deleted and set again, so that the oldest entry of the map is the least recently used one.
    this.cache.delete(key);
    this.cache.set(key, known);
    if (this.cache.size > CACHE_SIZE) this.cache.delete(this.cache.keys().next().value as string);
    return known;
  }

  private async find(tenantId: string, linkId: string): Promise<string | null> {
    const url = await this.db.inTenant(tenantId, (tx) => this.queries.findUrl(tx, tenantId, linkId));
    return url === null ? null : safe(url);
  }
}

const safe = (url: string): string | null => (isWebAddress(url) ? asHeader(url) : null);

/** A header takes visible ASCII only (RFC 9110 §5.5): other addresses are written the way browsers send them. */
function asHeader(url: string): string {
  return /^[\x21-\x7e]+$/.test(url) ? url : new URL(url).href;
}
