import { createHash, randomBytes } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { LinkNotAllowed } from './tracking.errors.js';
import { TrackingQueries } from './tracking.queries.js';
import type { AppliedEvent, AppliedHit, HitRef, JudgedEvent, NewEmailEvent, UnappliedEvent } from './tracking.types.js';

/** How long an event waits for the message it speaks of: providers repeat theirs for a day. */
const PARKED_HOURS = 48;
const EVENTS_PER_STATEMENT = 1_000;
const MONTHS_AHEAD = 3;
/** Of a message that is hit more often than any person would, so many are looked at together. */
const HITS_PER_MESSAGE = 200;

/** The facts that come back about messages, and the links that lead to them. Append-only: what a fact means is for `delivery` to decide. */
@Injectable()
export class TrackingService {
  private readonly logger = new Logger('Tracking');

  constructor(
    private readonly queries: TrackingQueries,
    private readonly db: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Gives every address its link id, in the order given. Idempotent per (tenant, address); the same address twice has one id. Throws
   * `LinkNotAllowed` for anything but http and https.
   */
  async registerLinks(tx: Tx, tenantId: string, urls: string[]): Promise<string[]> {
    const links = new Map<string, { id: string; url: string; hash: Buffer }>();
    for (const url of urls) {
      if (!isWebAddress(url)) throw new LinkNotAllowed(url);
      links.set(url, { id: randomBytes(8).toString('base64url'), url, hash: createHash('sha256').update(url).digest() });
    }
    if (links.size === 0) return [];
    const wanted = [...links.values()];
    await this.queries.insertLinks(tx, tenantId, wanted);
    // A second statement, so that its snapshot sees ids which another transaction registered in between.
    const found = await this.queries.findLinks(
      tx,
      tenantId,
      wanted.map((link) => link.hash),
    );
    const ids = new Map(found.map(({ id, url }) => [url, id]));
    return urls.map((url) => ids.get(url) as string);
  }

  /** Appends facts about messages of one tenant, each at most once. Returns how many were new. */
  async append(tx: Tx, tenantId: string, events: NewEmailEvent[]): Promise<number> {
    return this.appendAll(
      tx,
      events.map((event) => ({ ...event, tenantId })),
    );
  }

  /** The same for events of several tenants, inside a system transaction: one statement for all hits of the last few milliseconds. */
  async appendAll(tx: Tx, events: (NewEmailEvent & { tenantId: string })[]): Promise<number> {
    let inserted = 0;
    for (let at = 0; at < events.length; at += EVENTS_PER_STATEMENT) {
      inserted += await this.queries.insertEvents(tx, events.slice(at, at + EVENTS_PER_STATEMENT));
    }
    return inserted;
  }

  /**
   * System scope. Appends facts together with the verdict on them: those of known messages count as applied at once, which spares a second write
   * of every row; the others wait like all. The messages must be locked. Returns the ids of those that were new.
   */
  async appendJudged(tx: Tx, judged: JudgedEvent[]): Promise<Set<string>> {
    return new Set(judged.length === 0 ? [] : await this.queries.insertJudged(tx, this.clock.now(), judged));
  }

  /** System scope. Locks up to `limit` events nobody has applied yet and whose message exists, oldest first; the locks last until `tx` ends. */
  claimUnapplied(tx: Tx, limit: number): Promise<UnappliedEvent[]> {
    return this.queries.claimUnapplied(tx, limit);
  }

  /** Marks claimed events as applied, with the campaign and the verdict on who did it. In the transaction that claimed them. */
  async markApplied(tx: Tx, events: AppliedEvent[]): Promise<number> {
    return events.length === 0 ? 0 : this.queries.markApplied(tx, this.clock.now(), events);
  }

  /** System scope. What has already been applied of the opens and clicks of these messages; lock the messages before. */
  async appliedHits(tx: Tx, emails: { tenantId: string; id: string }[]): Promise<AppliedHit[]> {
    return emails.length === 0 ? [] : this.queries.appliedHits(tx, emails, HITS_PER_MESSAGE);
  }

  /** Flags applied hits as a machine's. Idempotent: one that is flagged keeps its reason. */
  async markMachine(tx: Tx, hits: HitRef[]): Promise<number> {
    return hits.length === 0 ? 0 : this.queries.markMachine(tx, this.clock.now(), hits);
  }

  /** Takes what may tell of a person off everything that came back about these messages: texts of providers, browsers, links that quote the address. */
  async forget(tx: Tx, tenantId: string, emails: { id: string; address: string | null }[]): Promise<number> {
    return emails.length === 0 ? 0 : this.queries.forget(tx, tenantId, emails);
  }

  /** Drops events whose message has not turned up within two days, such as those that name the message of another tenant. Returns how many. */
  async closeParked(): Promise<number> {
    const now = this.clock.now();
    const before = new Date(now.getTime() - PARKED_HOURS * 3_600_000);
    const closed = await this.db.asSystem((tx) => this.queries.closeParked(tx, now, before));
    for (const { tenantId, count } of closed) {
      this.logger.warn(
        `Dropped ${count} events of tenant ${tenantId}: it has had no message with the ids they name for ${PARKED_HOURS} hours`,
      );
    }
    return closed.reduce((sum, { count }) => sum + count, 0);
  }

  /** Makes the partitions of this month and the next ones. Idempotent; what has no partition goes to the default one and is never refused. */
  async ensurePartitions(now: Date): Promise<number> {
    return this.db.asSystem((tx) => this.queries.ensurePartitions(tx, now, MONTHS_AHEAD));
  }
}

/** http and https only: a message must not lead to `javascript:` or a file. */
export function isWebAddress(url: string): boolean {
  return /^https?:\/\//i.test(url) && URL.canParse(url);
}
