import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InvalidRequestError, assertIfMatch, decodeIdCursor, keysetPage } from '../../http/index.js';
import type { Problem } from '../../shared/domain-error.js';
import { Ids } from '../../shared/ids.js';
import type { Page } from '../../shared/page.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import type { Rule } from './domain/rule.js';
import { validateRule } from './domain/rule-validator.js';
import type { SegmentDefinitions } from './domain/segment-graph.js';
import { SegmentAudienceQueries } from './segment-audience.queries.js';
import { SegmentRules } from './segment-rules.js';
import { RuleNotUsableError, SegmentInUseError, SegmentNotFoundError } from './segments.errors.js';
import { SegmentsQueries, type SegmentFilter, type SegmentRow } from './segments.queries.js';
import type { CompileOptions } from './domain/rule-compiler.js';
import type { SqlFragment } from './domain/sql-fragment.js';

export interface NewSegment {
  name: string;
  type: 'dynamic' | 'static';
  rules?: unknown;
}

export interface SegmentPatch {
  name?: string;
  rules?: unknown;
}

/** Throws to refuse a change of rules; runs in its transaction, the new rules already stored. */
export type RulesListener = (tx: Tx, tenantId: string, segmentId: string) => Promise<void>;

/** Segments as things with a name and rules; and, for other modules, rules and segments as SQL. Who is in one: `SegmentAudienceService`. */
@Injectable()
export class SegmentsService {
  private readonly rulesListeners: RulesListener[] = [];

  constructor(
    private readonly db: Database,
    private readonly queries: SegmentsQueries,
    private readonly members: SegmentAudienceQueries,
    private readonly rules: SegmentRules,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  /** For modules above that have a say in changes of rules; register in `onModuleInit`. */
  onRulesChanged(listener: RulesListener): void {
    this.rulesListeners.push(listener);
  }

  /** No rule of the tenant changes from here to the end of the transaction, and what is read by later statements has every change before. */
  async holdRules(tx: Tx, tenantId: string): Promise<void> {
    await this.queries.lockRules(tx, tenantId);
  }

  /**
   * A valid rule as a predicate over one contact: never NULL, never an error at run time, values only as parameters. Says nothing of deletion or
   * consent. `RuleNotUsableError` (422) if a segment it refers to is not there.
   */
  compileRule(tx: Tx, tenantId: string, rule: Rule, options: CompileOptions): Promise<SqlFragment> {
    return this.rules.compile(tx, tenantId, rule, options);
  }

  /** Every segment that these valid rules refer to, directly or not: for those who evaluate rules themselves (`evaluateRule`). */
  definitionsOf(tx: Tx, tenantId: string, rules: readonly Rule[]): Promise<SegmentDefinitions> {
    return this.rules.definitionsOf(tx, tenantId, rules);
  }

  /** What stands against putting contacts on this list: there is none such, or it has rules. It cannot be deleted until `tx` ends. */
  async listProblems(tx: Tx, tenantId: string, segmentId: string, path: string): Promise<Problem[]> {
    await this.queries.shareReferred(tx, tenantId, [segmentId]);
    const segment = await this.queries.find(tx, tenantId, segmentId);
    if (!segment) return [{ path, code: 'segment_not_found', message: 'There is no such segment.' }];
    if (segment.type === 'static') return [];
    return [{ path, code: 'segment_not_static', message: 'This segment has rules: contacts can be put on static segments only.' }];
  }

  /** Puts contacts on a static segment; those that are erased or on it are passed over. */
  addMembers(tx: Tx, tenantId: string, segmentId: string, contactIds: string[]): Promise<number> {
    return this.members.addLiving(tx, tenantId, segmentId, contactIds);
  }

  removeMembers(tx: Tx, tenantId: string, segmentId: string, contactIds: string[]): Promise<number> {
    return this.members.removeMembers(tx, tenantId, segmentId, contactIds);
  }

  /** Membership of a saved segment, dynamic or static, as a predicate like `compileRule`'s. `SegmentNotFoundError` if there is none such. */
  async compileSegment(tx: Tx, tenantId: string, segmentId: string, options: CompileOptions): Promise<SqlFragment> {
    await this.get(tx, tenantId, segmentId);
    return this.rules.compile(tx, tenantId, { type: 'segment', segmentId }, options);
  }

  /**
   * What stands against saving this (valid) rule: segments it refers to that are not this tenant's, or that make it too large. Those that are
   * there cannot be deleted until `tx` ends, so that what is saved in it refers to nothing that has just gone.
   */
  assertRuleUsable(tx: Tx, tenantId: string, rule: Rule, path: string): Promise<Problem[]> {
    return this.rules.referenceProblems(tx, tenantId, rule, path);
  }

  /** `SegmentNotFoundError` also for another tenant's. */
  async get(tx: Tx, tenantId: string, segmentId: string): Promise<SegmentRow> {
    const segment = await this.queries.find(tx, tenantId, segmentId);
    if (!segment) throw new SegmentNotFoundError(segmentId);
    return segment;
  }

  async read({ tenantId }: TenantContext, segmentId: string): Promise<SegmentRow> {
    return this.db.inTenant(tenantId, (tx) => this.get(tx, tenantId, segmentId));
  }

  async list(
    { tenantId }: TenantContext,
    { cursor, limit, type, q }: { cursor?: string; limit: number } & Pick<SegmentFilter, 'type' | 'q'>,
  ): Promise<Page<SegmentRow>> {
    const before = decodeIdCursor(cursor);
    const found = await this.db.inTenant(tenantId, (tx) => this.queries.list(tx, tenantId, { before, limit: limit + 1, type, q }));
    return keysetPage(found, limit, ({ id }) => ({ id }));
  }

  async create(ctx: TenantContext, segment: NewSegment): Promise<SegmentRow> {
    return this.db.inTenant(ctx.tenantId, (tx) => this.createIn(tx, ctx, segment));
  }

  /** The same in a transaction of the caller's. */
  async createIn(tx: Tx, ctx: TenantContext, { name, type, rules }: NewSegment): Promise<SegmentRow> {
    const checked = checkRules(type, rules);
    if (checked) await this.assertReferences(tx, ctx.tenantId, checked);
    const segment = await this.queries.insert(tx, ctx.tenantId, { id: this.ids.uuid(), name, type, rules: checked });
    await this.record(tx, ctx, 'segment.created', { after: segment });
    return segment;
  }

  async update(ctx: TenantContext, segmentId: string, patch: SegmentPatch, ifMatch?: string): Promise<SegmentRow> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      // Before the row's own lock, as in every change of rules, so that two of them cannot wait for each other.
      if (patch.rules !== undefined) await this.queries.lockRules(tx, ctx.tenantId);
      const before = await this.queries.lock(tx, ctx.tenantId, segmentId);
      if (!before) throw new SegmentNotFoundError(segmentId);
      assertIfMatch(ifMatch, before);
      const rules = patch.rules === undefined ? before.rules : checkRules(before.type, patch.rules);
      if (rules && patch.rules !== undefined) await this.assertReferences(tx, ctx.tenantId, rules, segmentId);
      const after = await this.queries.update(tx, ctx.tenantId, segmentId, { name: patch.name ?? before.name, rules });
      if (patch.rules !== undefined) for (const listener of this.rulesListeners) await listener(tx, ctx.tenantId, segmentId);
      await this.record(tx, ctx, 'segment.updated', { before, after });
      return after;
    });
  }

  /** `SegmentInUseError` (409) while a campaign, a condition or another segment refers to it. */
  async remove(ctx: TenantContext, segmentId: string): Promise<void> {
    const { tenantId } = ctx;
    await this.db.inTenant(tenantId, async (tx) => {
      const before = await this.queries.lock(tx, tenantId, segmentId);
      if (!before) throw new SegmentNotFoundError(segmentId);
      // Read after the lock: whoever refers to the segment has either committed (and is seen) or waits and will not find it.
      const campaigns = await this.queries.campaignsUsing(tx, tenantId, segmentId);
      const segments = await this.queries.segmentsUsing(tx, tenantId, segmentId);
      if (campaigns.length + segments.length > 0) throw new SegmentInUseError({ campaigns, segments });
      await this.queries.remove(tx, tenantId, segmentId);
      await this.record(tx, ctx, 'segment.deleted', { before });
    });
  }

  private async assertReferences(tx: Tx, tenantId: string, rules: Rule, self?: string): Promise<void> {
    const problems = self
      ? await this.rules.changeProblems(tx, tenantId, self, rules)
      : await this.rules.referenceProblems(tx, tenantId, rules, 'rules');
    if (problems.length > 0) throw new RuleNotUsableError(problems);
  }

  private async record(tx: Tx, ctx: TenantContext, action: string, change: { before?: SegmentRow; after?: SegmentRow }): Promise<void> {
    const entityId = (change.after ?? change.before)!.id;
    await this.audit.record(tx, ctx, { action, entityType: 'segment', entityId, ...change });
  }
}

/** The rules a segment of this type is to have; `InvalidRequestError` (400) with the paths of all faults. */
function checkRules(type: 'dynamic' | 'static', rules: unknown): Rule | null {
  if (type === 'dynamic') {
    const problems =
      rules === undefined
        ? [{ path: 'rules', message: 'are needed: a dynamic segment is made of its rules' }]
        : validateRule(rules, 'rules');
    if (problems.length > 0) throw new InvalidRequestError(problems);
    return rules as Rule;
  }
  if (rules === undefined || rules === null) return null;
  throw new InvalidRequestError([{ path: 'rules', message: 'must be left out: a static segment has a list of members instead of rules' }]);
}
