import { Injectable } from '@nestjs/common';
import { rememberingEndOfWait } from '../../shared/zoned-time.js';
import { rows, type Tx } from '../../database/index.js';
import { ContactEffects } from '../contacts/index.js';
import { SegmentsService } from '../segments/index.js';
import type { ActionConfig, FlowStep, StepType } from '../steps/index.js';
import { Ledger } from '../delivery/index.js';
import { ExperimentsService } from '../experiments/index.js';
import type { Traveller, Walk } from './domain/walk.js';

/** What a handler works with: the open transaction and the run of this batch. */
export interface StepRun {
  tx: Tx;
  tenantId: string;
  campaignId: string;
  /** Zone of contacts that have none of their own. */
  campaignZone: string;
  now: Date;
  walk: Walk;
}

/** Takes a whole group through one step, in the transaction that claimed it: set-based, nothing slow. */
export type StepHandler = (run: StepRun, step: FlowStep, group: Traveller[]) => Promise<void>;

/** One handler for each kind of step; a new kind does not compile until it has one. */
@Injectable()
export class StepHandlers {
  constructor(
    private readonly ledger: Ledger,
    private readonly segments: SegmentsService,
    private readonly effects: ContactEffects,
    private readonly experiments: ExperimentsService,
  ) {}

  readonly byType: Record<StepType, StepHandler> = {
    email: (run, step, group) => this.email(run, step, group),
    wait: (run, step, group) => this.wait(run, step, group),
    condition: (run, step, group) => this.condition(run, step, group),
    action: (run, step, group) => this.action(run, step, group),
  };

  /** Plans the message in the ledger and parks the contact: the ledger moves it on when it knows how the message went. */
  private async email(run: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    const { tx, tenantId, campaignId, walk } = run;
    const mailed = step.experiment ? await this.placed(run, step, group) : group.map((traveller) => ({ traveller, variantId: null }));
    await this.ledger.plan(
      tx,
      tenantId,
      campaignId,
      step.id,
      mailed.map(({ traveller: { enrollment, at }, variantId }) => ({
        enrollmentId: enrollment.id,
        contactId: enrollment.contactId,
        entryNumber: enrollment.entryNumber,
        dueAt: at,
        variantId,
      })),
    );
    for (const { traveller } of mailed) walk.stay(traveller, step.id, null);
  }

  /** Who gets which variant; those who wait for the winner stay at the step. */
  private async placed(run: StepRun, step: FlowStep, group: Traveller[]): Promise<{ traveller: Traveller; variantId: string }[]> {
    const contactIds = group.map(({ enrollment }) => enrollment.contactId);
    const placements = await this.experiments.place(run.tx, run, step, contactIds);
    return group.flatMap((traveller, index) => {
      const placement = placements[index];
      if ('variantId' in placement) return [{ traveller, variantId: placement.variantId }];
      run.walk.stay(traveller, step.id, placement.holdUntil);
      return [];
    });
  }

  /** A wait is anchored on the due time of the step. One that has already passed (after a pause, say) is over at once. */
  private async wait({ walk, campaignZone, now }: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    const endOfWait = rememberingEndOfWait();
    const over: Traveller[] = [];
    for (const traveller of group) {
      if (traveller.enteredAt) {
        over.push(traveller);
        continue;
      }
      const until = endOfWait(traveller.at, step.wait!, traveller.enrollment.timezone ?? campaignZone);
      if (until > now) walk.stay(traveller, step.id, until);
      else {
        traveller.at = until;
        over.push(traveller);
      }
    }
    walk.goOn(over, step.next, step.id);
  }

  private async condition({ tx, tenantId, walk, now }: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    const rule = await this.segments.compileRule(tx, tenantId, step.rules!, {
      contactAlias: 'c',
      enrollmentAlias: 'cc',
      firstParam: 3,
      tenantParam: '$1',
      now,
    });
    const met = await rows<{ id: string }>(
      tx,
      `SELECT cc.id FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = cc.tenant_id AND c.id = cc.contact_id
       WHERE cc.tenant_id = $1 AND cc.id = ANY($2::uuid[]) AND (${rule.sql})`,
      [tenantId, group.map(({ enrollment }) => enrollment.id), ...rule.params],
    );
    const isMet = new Set(met.map(({ id }) => id));
    walk.goOn(
      group.filter(({ enrollment }) => isMet.has(enrollment.id)),
      step.trueNext,
      step.id,
    );
    walk.goOn(
      group.filter(({ enrollment }) => !isMet.has(enrollment.id)),
      step.falseNext,
      step.id,
    );
  }

  private async action({ tx, tenantId, walk }: StepRun, step: FlowStep, group: Traveller[]): Promise<void> {
    const action = step.action!;
    if (action.type === 'exit') {
      walk.exit(group, step.id, action.reason ?? 'goal');
      return;
    }
    await this.apply(
      tx,
      tenantId,
      action,
      group.map(({ enrollment }) => enrollment.contactId),
    );
    walk.goOn(group, step.next, step.id);
  }

  private async apply(tx: Tx, tenantId: string, action: Exclude<ActionConfig, { type: 'exit' }>, contactIds: string[]): Promise<void> {
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
    }
  }
}
