import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { mark } from '../../shared/trace.js';
import { ContactEffects } from '../contacts/index.js';
import { SegmentsService, type Rule } from '../segments/index.js';
import { lineOf, type ActionConfig, type FlowStep, type SplitConfig, type StepType } from '../steps/index.js';
import { Ledger } from '../delivery/index.js';
import { ExperimentsService } from '../experiments/index.js';
import { Handovers } from '../triggers/index.js';
import { bestMessageTime, branchByLot, passCondition, passWait } from './domain/passing.js';
import { note, type Traveller } from './domain/walk.js';
import { StepCalls } from './step-calls.service.js';
import { StepConditions } from './step-conditions.js';
import { StepFactsQueries } from './step-facts.queries.js';
import type { StepHandler, StepRun } from './step-run.js';
import { WaitForHandler } from './wait-for.handler.js';

/** One handler for each kind of step; a new kind does not compile until it has one. */
@Injectable()
export class StepHandlers {
  constructor(
    private readonly ledger: Ledger,
    private readonly segments: SegmentsService,
    private readonly conditions: StepConditions,
    private readonly waitFor: WaitForHandler,
    private readonly handovers: Handovers,
    private readonly effects: ContactEffects,
    private readonly experiments: ExperimentsService,
    private readonly facts: StepFactsQueries,
    private readonly calls: StepCalls,
  ) {}

  readonly byType: Record<StepType, StepHandler> = {
    email: (run, step, group) => this.email(run, step, group),
    wait: (run, step, group) => this.wait(run, step, group),
    condition: (run, step, group) => this.condition(run, step, group),
    action: (run, step, group) => this.action(run, step, group),
    wait_for: (run, step, group) => this.waitFor.handle(run, step, group),
  };

  /** Plans the message in the ledger and parks the contact: the ledger moves it on when it knows how the message went. */
  private async email(run: StepRun, step: FlowStep, arrived: Traveller[]): Promise<void> {
    const { tx, tenantId, campaignId, walk } = run;
    const group = run.isEdited ? await this.notYetMailed(run, step, arrived) : arrived;
    if (group.length === 0) return;
    const mailed = step.experiment ? await this.placed(run, step, group) : group.map((traveller) => ({ traveller, variantId: null }));
    const dueOf = run.sendStrategy === 'optimized' ? await this.bestTimes(run, group) : ({ at }: Traveller) => at;
    await this.ledger.plan(
      tx,
      tenantId,
      campaignId,
      step.id,
      mailed.map(({ traveller, variantId }) => ({
        enrollmentId: traveller.enrollment.id,
        contactId: traveller.enrollment.contactId,
        entryNumber: traveller.enrollment.entryNumber,
        dueAt: dueOf(traveller),
        variantId,
      })),
    );
    const decision = mark.mailed(step.id);
    for (const { traveller } of mailed) {
      note(traveller, decision);
      walk.stay(traveller, step.id, null);
    }
  }

  /** Whoever has had the message of this step from another version goes on without it; while it is under way they wait for it. */
  private async notYetMailed({ tx, tenantId, campaignId, walk }: StepRun, step: FlowStep, arrived: Traveller[]): Promise<Traveller[]> {
    const people = arrived.map(({ enrollment: { id, entryNumber } }) => ({ enrollmentId: id, entryNumber }));
    const planned = await this.ledger.alreadyPlanned(tx, tenantId, { campaignId, lineageId: lineOf(step) }, people);
    const isPlanned = ({ enrollment }: Traveller): boolean => planned.has(enrollment.id);
    const [waiting, done]: Traveller[][] = [[], []];
    for (const traveller of arrived.filter(isPlanned)) (planned.get(traveller.enrollment.id) ? waiting : done).push(traveller);
    for (const traveller of waiting) walk.stay(traveller, step.id, null);
    walk.goOn(done, step.next, step.id);
    return arrived.filter((traveller) => !isPlanned(traveller));
  }

  /** Who gets which variant; those who wait for the winner stay at the step. */
  private async placed(run: StepRun, step: FlowStep, group: Traveller[]): Promise<{ traveller: Traveller; variantId: string }[]> {
    const contactIds = group.map(({ enrollment }) => enrollment.contactId);
    const placements = await this.experiments.place(run.tx, run, step, contactIds);
    return group.flatMap((traveller, index) => {
      const placement = placements[index];
      if ('variantId' in placement) return [{ traveller, variantId: placement.variantId }];
      if (!traveller.enteredAt && placement.holdUntil) note(traveller, mark.held(step.id, placement.holdUntil));
      run.walk.stay(traveller, step.id, placement.holdUntil);
      return [];
    });
  }

  /** By when each contact opened mail so far; see `bestMessageTime`. */
  private async bestTimes({ tx, tenantId, campaignZone, now }: StepRun, group: Traveller[]): Promise<(traveller: Traveller) => Date> {
    const opens = await this.ledger.opensOf(tx, tenantId, contactsOf(group));
    return (traveller) => bestMessageTime(traveller, now, campaignZone, opens.get(traveller.enrollment.contactId) ?? []);
  }

  private async wait(run: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    const attribute = step.waitUntil?.attribute;
    const dates = attribute === undefined ? null : await this.facts.attributeOf(run.tx, run.tenantId, contactsOf(group), attribute);
    passWait(run, step, group, dates && (({ enrollment }) => dates.get(enrollment.contactId)));
  }

  private async condition(run: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    if (step.split) return passCondition(run.walk, step, group, await this.branches(run, step, step.split, group));
    const answerTo = await this.conditions.answers(run, step.rules!, group);
    const partOf = (traveller: Traveller) => answerTo(traveller).part;
    passCondition(run.walk, step, group, (traveller) => (answerTo(traveller).isTrue ? 0 : 1), partOf);
  }

  /** By the first rule that holds, or by lot. */
  private async branches(run: StepRun, step: FlowStep, split: SplitConfig, group: Traveller[]): Promise<(traveller: Traveller) => number> {
    if (split.type === 'random') return ({ enrollment }) => branchByLot(lineOf(step), split.branches, enrollment.contactId);
    const rules = split.branches.map(({ rules: rule }) => rule as Rule);
    const met = await this.conditions.firstHolding(run, rules, group);
    return ({ enrollment }) => met.get(enrollment.id) ?? rules.length;
  }

  private async action(run: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    const { tx, tenantId, walk } = run;
    const action = step.action!;
    const decision = mark.acted(step.id);
    for (const traveller of group) note(traveller, decision);
    if (action.type === 'enroll') {
      const people = group.map(({ enrollment: { id, contactId, entryNumber } }) => ({ enrollmentId: id, contactId, entryNumber }));
      await this.handovers.handOver(tx, tenantId, {
        campaignId: run.campaignId,
        stepId: step.id,
        targetCampaignId: action.campaignId,
        people,
        now: run.now,
      });
      walk.goOn(group, step.next, step.id);
      return;
    }
    if (action.type === 'webhook') {
      const reached = group.map(({ enrollment: { id, entryNumber } }) => ({ enrollmentId: id, entryNumber }));
      await this.calls.record(tx, tenantId, { campaignId: run.campaignId, stepId: step.id, reached, now: run.now });
      walk.goOn(group, step.next, step.id);
      return;
    }
    if (action.type === 'exit') {
      walk.exit(group, step.id, action.reason ?? 'goal');
      return;
    }
    await this.apply(tx, tenantId, action, contactsOf(group));
    walk.goOn(group, step.next, step.id);
  }

  private async apply(
    tx: Tx,
    tenantId: string,
    action: Exclude<ActionConfig, { type: 'exit' | 'enroll' | 'webhook' }>,
    contactIds: string[],
  ): Promise<void> {
    switch (action.type) {
      case 'set_attribute':
        await this.effects.setAttribute(tx, tenantId, contactIds, action.attribute, action.value);
        return;
      case 'add_tag':
        await this.effects.addTag(tx, tenantId, contactIds, action.tag);
        return;
      case 'remove_tag':
        await this.effects.removeTag(tx, tenantId, contactIds, action.tag);
        return;
      case 'adjust_lead_score':
        await this.effects.adjustLeadScore(tx, tenantId, contactIds, action.by);
        return;
      case 'add_to_segment':
        await this.segments.addMembers(tx, tenantId, action.segmentId, contactIds);
        return;
      case 'remove_from_segment':
        await this.segments.removeMembers(tx, tenantId, action.segmentId, contactIds);
        return;
    }
  }
}

function contactsOf(group: readonly Traveller[]): string[] {
  return group.map(({ enrollment }) => enrollment.contactId);
}
