import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { type Campaign, CampaignsService, homeSegment, isOpenEnded } from '../campaigns/index.js';
import { CampaignEntry, INSIDE_PARAMS, PeopleInside, type InsideEffect } from '../enrollment/index.js';
import { SegmentsService, type Rule } from '../segments/index.js';
import { type CampaignStep, StepVersions } from '../steps/index.js';
import { ENTRY_WATCH_PARAMS, WatchesQueries, type WatchKind, type WatchRef, type WatchState } from './watches.queries.js';

const WATCHES_PER_RUN = 50;
/** How long one watch is worked on before the others have their turn. */
const SLICE_MS = 2_000;
/** Between two rounds at least; and so many times as long as the round took, so that watching costs a tenth of one connection at most. */
const SHORTEST_REST_MS = 30_000;
const REST_FACTOR = 9;
const CLEAR_CHUNK = 10_000;
/** A piece may evaluate a rule without an index over some thousand contacts. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** What a campaign needs to have watched. */
export function watchesOf(campaign: Campaign, steps: readonly CampaignStep[]): WatchKind[] {
  const { trigger, keepEnrolling, exitOnSegmentLeave, goal } = campaign;
  const looksInside = exitOnSegmentLeave || goal?.type === 'rule' || steps.some(waitsForCondition);
  return [...(trigger?.type === 'segment_entry' || keepEnrolling ? ['entry' as const] : []), ...(looksInside ? ['inside' as const] : [])];
}

/**
 * Looks again and again who comes into watched segments, who leaves them, who has reached a goal and for whom a condition has come true: round by
 * round, a bounded piece per transaction, each piece together with the place where the next begins. A crash repeats at most one piece, which
 * changes nothing the second time.
 */
@Injectable()
export class Watches {
  private readonly logger = new Logger('Watches');

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly queries: WatchesQueries,
    private readonly entry: CampaignEntry,
    private readonly inside: PeopleInside,
    private readonly campaigns: CampaignsService,
    private readonly segments: SegmentsService,
    private readonly versions: StepVersions,
  ) {}

  /** Works on every watch that is due, for a moment each. True if there is more to do. */
  async runOnce(): Promise<boolean> {
    const now = this.clock.now();
    const due = await this.db.asSystem((tx) => this.queries.listDue(tx, now, WATCHES_PER_RUN));
    let hasMore = false;
    for (const watch of due) {
      try {
        hasMore = (await this.work(watch)) || hasMore;
      } catch (error) {
        this.logger.error(`Campaign ${watch.campaignId} could not be watched: ${(error as Error).message}`, (error as Error).stack);
        await this.postpone(watch);
      }
    }
    return hasMore;
  }

  private async work(watch: WatchRef): Promise<boolean> {
    const deadline = performance.now() + SLICE_MS;
    const step = watch.isOver ? () => this.clear(watch) : () => this.piece(watch);
    while (await step()) if (performance.now() > deadline) return true;
    return false;
  }

  private async clear(watch: WatchRef): Promise<boolean> {
    return !(await this.db.inTenant(watch.tenantId, (tx) => this.queries.clear(tx, watch, CLEAR_CHUNK)));
  }

  /** True if the round goes on. */
  private piece(watch: WatchRef): Promise<boolean> {
    const startedAt = performance.now();
    const now = this.clock.now();
    return this.db.inTenant(
      watch.tenantId,
      async (tx) => {
        const state = await this.queries.lock(tx, watch, now);
        if (!state) return false;
        const { cursor, seen } =
          watch.kind === 'entry' ? await this.lookOutside(tx, watch, state, now) : await this.lookInside(tx, watch, state, now);
        const goesOn = seen === this.config.engine.enrollChunk;
        const workedMs = state.workedMs + Math.ceil(performance.now() - startedAt);
        const restMs = Math.max(SHORTEST_REST_MS, workedMs * REST_FACTOR);
        const next = goesOn
          ? { cursor, rounds: state.rounds, workedMs, nextAt: now }
          : { cursor: null, rounds: state.rounds + 1, workedMs: 0, nextAt: new Date(now.getTime() + restMs) };
        await this.queries.move(tx, watch, next);
        return goesOn;
      },
      { statementTimeoutMs: STATEMENT_TIMEOUT_MS },
    );
  }

  /**
   * The first round learns who is in the segment: of these only contacts that came after the launch enter, or everybody where that is wanted; nobody
   * enters for the second time. From the second round on whoever is new enters, by the campaign's rules for re-entry.
   */
  private async lookOutside(
    tx: Tx,
    { tenantId, campaignId }: WatchRef,
    state: WatchState,
    now: Date,
  ): Promise<{ cursor: string | null; seen: number }> {
    const campaign = await this.entry.openCampaign(tx, tenantId, campaignId);
    const segmentId = campaign && homeSegment(campaign);
    if (!campaign || !segmentId || !isOpenEnded(campaign)) return { cursor: null, seen: 0 };
    const isFirst = state.rounds === 0;
    const includeExisting =
      campaign.keepEnrolling || (campaign.trigger?.type === 'segment_entry' && campaign.trigger.includeExisting === true);
    const segment = await this.segments.compileSegment(tx, tenantId, segmentId, {
      contactAlias: 'c',
      tenantParam: '$1',
      firstParam: ENTRY_WATCH_PARAMS + 1,
      now,
    });
    const window = { campaignId, after: state.cursor, limit: this.config.engine.enrollChunk };
    const onlyYounger = isFirst && !includeExisting;
    const { enter, seen, cursor } = await this.queries.lookForNewcomers(tx, tenantId, { ...window, onlyYounger }, segment);
    const entrants = enter.map((contactId) => ({ contactId, at: now }));
    await this.entry.enter(tx, campaign, entrants, { reentry: !isFirst, cause: { by: 'segment' } });
    return { cursor, seen };
  }

  private async lookInside(
    tx: Tx,
    { tenantId, campaignId }: WatchRef,
    state: WatchState,
    now: Date,
  ): Promise<{ cursor: string | null; seen: number }> {
    const campaign = await this.campaigns.get(tx, tenantId, campaignId);
    const window = { campaignId, after: state.cursor };
    const { cursor, seen } = await this.inside.nextPiece(tx, tenantId, { ...window, limit: this.config.engine.enrollChunk });
    if (cursor === null) return { cursor, seen };
    for (const { effect, rule } of await this.questions(tx, campaign)) {
      const predicate = await this.segments.compileRule(tx, tenantId, rule, {
        contactAlias: 'c',
        enrollmentAlias: 'cc',
        tenantParam: '$1',
        firstParam: INSIDE_PARAMS + 1,
        now,
      });
      await this.inside.apply(tx, tenantId, { ...window, until: cursor }, effect, now, predicate);
    }
    return { cursor, seen };
  }

  /** What is asked of everybody inside, and what follows from a yes. The goal comes first: whoever has reached it has not merely left. */
  private async questions(tx: Tx, campaign: Campaign): Promise<{ effect: InsideEffect; rule: Rule }[]> {
    const questions: { effect: InsideEffect; rule: Rule }[] = [];
    if (campaign.goal?.type === 'rule') questions.push({ effect: { exit: 'goal' }, rule: campaign.goal.rules as Rule });
    const segmentId = campaign.exitOnSegmentLeave ? homeSegment(campaign) : null;
    if (segmentId) questions.push({ effect: { exit: 'left_segment' }, rule: { not: { type: 'segment', segmentId } } });
    // Of every version: contacts who came in before an edit may still be at the former steps.
    const steps = await this.versions.listAll(tx, campaign.tenantId, campaign.id);
    for (const step of steps.filter(waitsForCondition))
      questions.push({ effect: { wakeAtStep: step.id }, rule: step.conditionRules as Rule });
    return questions;
  }

  /** A watch that fails is tried again later, and holds up no other. */
  private async postpone(watch: WatchRef): Promise<void> {
    const nextAt = new Date(this.clock.now().getTime() + SHORTEST_REST_MS);
    await this.db
      .inTenant(watch.tenantId, async (tx) => {
        const state = await this.queries.lock(tx, watch, this.clock.now());
        if (state) await this.queries.move(tx, watch, { ...state, nextAt });
      })
      .catch((error: unknown) => this.logger.error(`A watch could not be postponed: ${(error as Error).message}`));
  }
}

function waitsForCondition({ stepType, waitEvent }: CampaignStep): boolean {
  return stepType === 'wait_for' && waitEvent === null;
}
