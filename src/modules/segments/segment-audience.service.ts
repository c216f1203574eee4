import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, sqlState, type Tx } from '../../database/index.js';
import { InvalidRequestError, decodeIdCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import type { Page } from '../../shared/page.js';
import { ContactsEvents } from '../contacts/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import type { Rule } from './domain/rule.js';
import { validateRule } from './domain/rule-validator.js';
import { SegmentAudienceQueries, type SegmentContactRow } from './segment-audience.queries.js';
import { SegmentNotFoundError, SegmentNotStaticError, SegmentTooSlowError, UnknownMembersError } from './segments.errors.js';
import { SegmentsQueries } from './segments.queries.js';
import { SegmentsService } from './segments.service.js';

const QUERY_CANCELED = '57014';
const PREDICATE = { contactAlias: 'c', tenantParam: '$1' };

export interface SegmentPreview {
  count: number;
  subscribedCount: number;
  sample: SegmentContactRow[];
}

/** Who is in a segment, or would be. A count that takes too long ends in `SegmentTooSlowError` (503), not in a full database. */
@Injectable()
export class SegmentAudienceService implements OnModuleInit {
  /** Longest search for contacts. */
  timeoutMs = 10_000;

  constructor(
    private readonly db: Database,
    private readonly queries: SegmentAudienceQueries,
    private readonly segmentQueries: SegmentsQueries,
    private readonly segments: SegmentsService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly contactsEvents: ContactsEvents,
  ) {}

  onModuleInit(): void {
    this.contactsEvents.onErased((tx, tenantId, contactId) => this.queries.forgetContact(tx, tenantId, contactId));
  }

  /** Whom unsaved rules match. Erased contacts are left out; the unsubscribed are in `count`, not in `subscribedCount`. */
  async preview({ tenantId }: TenantContext, rules: unknown, sampleSize: number): Promise<SegmentPreview> {
    const faults = validateRule(rules, 'rules');
    if (faults.length > 0) throw new InvalidRequestError(faults);
    const rule = rules as Rule;
    return this.limited(tenantId, async (tx) => {
      const options = { ...PREDICATE, now: this.clock.now() };
      const whole = await this.segments.compileRule(tx, tenantId, rule, { ...options, firstParam: 2 });
      const counted = await this.queries.count(tx, tenantId, whole);
      if (sampleSize === 0 || counted.count === 0) return { ...counted, sample: [] };
      const predicate = await this.segments.compileRule(tx, tenantId, rule, { ...options, firstParam: 4 });
      return { ...counted, sample: await this.queries.page(tx, tenantId, null, sampleSize, predicate) };
    });
  }

  /** The contacts of a saved segment, newest first. */
  async contacts(
    { tenantId }: TenantContext,
    segmentId: string,
    { cursor, limit }: { cursor?: string; limit: number },
  ): Promise<Page<SegmentContactRow>> {
    const before = decodeIdCursor(cursor);
    return this.limited(tenantId, async (tx) => {
      const options = { ...PREDICATE, firstParam: 4, now: this.clock.now() };
      const predicate = await this.segments.compileSegment(tx, tenantId, segmentId, options);
      const found = await this.queries.page(tx, tenantId, before, limit + 1, predicate);
      return keysetPage(found, limit, ({ id }) => ({ id }));
    });
  }

  /** Idempotent. All or nothing: one unknown id, and nobody is added. */
  async addMembers(ctx: TenantContext, segmentId: string, contactIds: string[]): Promise<{ added: number }> {
    const added = await this.changeMembers(ctx, segmentId, contactIds, 'segment.members_added', (tx) =>
      this.queries.addMembers(tx, ctx.tenantId, segmentId, contactIds),
    );
    return { added };
  }

  /** Idempotent: who is no member stays none. */
  async removeMembers(ctx: TenantContext, segmentId: string, contactIds: string[]): Promise<{ removed: number }> {
    const removed = await this.changeMembers(ctx, segmentId, contactIds, 'segment.members_removed', (tx) =>
      this.queries.removeMembers(tx, ctx.tenantId, segmentId, contactIds),
    );
    return { removed };
  }

  private async changeMembers(
    ctx: TenantContext,
    segmentId: string,
    contactIds: string[],
    action: string,
    change: (tx: Tx) => Promise<number>,
  ): Promise<number> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      // Keeps the segment from being deleted meanwhile; two changes of one list need not wait for each other.
      await this.segmentQueries.shareReferred(tx, tenantId, [segmentId]);
      const segment = await this.segmentQueries.find(tx, tenantId, segmentId);
      if (!segment) throw new SegmentNotFoundError(segmentId);
      if (segment.type !== 'static') throw new SegmentNotStaticError();
      const unknown = await this.queries.unknownContacts(tx, tenantId, contactIds);
      if (unknown.size > 0) throw new UnknownMembersError(problemsOf(contactIds, unknown));
      const changed = await change(tx);
      const after = { contactIds: contactIds.length, changed };
      if (changed > 0) await this.audit.record(tx, ctx, { action, entityType: 'segment', entityId: segmentId, after });
      return changed;
    });
  }

  private async limited<T>(tenantId: string, fn: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      return await this.db.inTenant(tenantId, fn, { statementTimeoutMs: this.timeoutMs });
    } catch (error) {
      if (sqlState(error) === QUERY_CANCELED) throw new SegmentTooSlowError(this.timeoutMs / 1000, { cause: error });
      throw error;
    }
  }
}

function problemsOf(contactIds: string[], unknown: Set<string>) {
  return contactIds.flatMap((id, i) =>
    unknown.has(id.toLowerCase())
      ? [{ path: `contactIds[${i}]`, message: `${id} is not a contact of yours`, code: 'unknown_contact' }]
      : [],
  );
}
