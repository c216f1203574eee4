import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { rememberingEndOfWaitStep } from '../../shared/wait-until.js';
import type { Campaign } from '../campaigns/index.js';
import { VersionLedger } from '../delivery/index.js';
import { VersionMoves } from '../enrollment/index.js';
import { ExperimentsService } from '../experiments/index.js';
import { StepVersions, type CampaignStep } from '../steps/index.js';
import { asksAlike, newEnd, placesOf, planMoves, type Place, type Situation } from './domain/moves.js';

const WAITS_AT_ONCE = 10_000;

/** How many contacts went on at the same step, were placed at another, and left. */
export interface Moved {
  moved: number;
  placed: number;
  exited: number;
}

export type Placing = (places: Place[], situation: Situation) => ReadonlyMap<string, string>;

/** Brings people, their messages and their tests from other versions to the one that has just become live, in the transaction that made it so. */
@Injectable()
export class Migration {
  constructor(
    private readonly steps: StepVersions,
    private readonly enrollments: VersionMoves,
    private readonly ledger: VersionLedger,
    private readonly experiments: ExperimentsService,
  ) {}

  /** Tests that go on unchanged keep their state; those of versions that nobody is in any more (`onlyThis`) rest. */
  async carryTests(tx: Tx, campaign: Campaign, from: number, onlyThis: boolean, now: Date): Promise<void> {
    const { tenantId, id: campaignId, stepsVersion: version } = campaign;
    const lines = await this.steps.testLines(tx, tenantId, campaignId);
    const former = new Map((await this.steps.list(tx, tenantId, campaignId, from)).map((step) => [step.lineageId, step]));
    const tests = (await this.steps.list(tx, tenantId, campaignId, version)).flatMap((step) => {
      const old = former.get(step.lineageId);
      if (!old || step.variants.length === 0 || lines.get(old.id)?.join() !== lines.get(step.id)?.join()) return [];
      return [{ from: old.id, to: step.id, variants: new Map(old.variants.map(({ id }, index) => [id, step.variants[index].id])) }];
    });
    await this.experiments.changeVersion(tx, { tenantId, campaignId, version, tests, onlyThis, now });
  }

  /**
   * Messages before contacts, as everybody who settles messages does. The contacts are locked before it is seen where they are: whoever is just leaving an
   * email is waited for. `placing` says where people from steps go that are no more, and throws if it does not know.
   */
  async moveEveryone(tx: Tx, campaign: Campaign, placing: Placing, now: Date): Promise<Moved> {
    const { tenantId, id, stepsVersion: target } = campaign;
    const steps = await this.steps.listAll(tx, tenantId, id);
    const tests = await this.steps.testLines(tx, tenantId, id);
    const messages = planMoves({ steps, target, standing: [], tests }, placesOf({ steps, target, standing: [], tests }), new Map());
    await this.ledger.handOn(tx, tenantId, id, messages.kept);
    await this.ledger.withdraw(tx, tenantId, id, messages.removed, now);
    await this.enrollments.lock(tx, tenantId, id);
    const situation: Situation = { steps, target, standing: await this.enrollments.standing(tx, tenantId, id), tests };
    const places = placesOf(situation);
    const plan = planMoves(situation, places, placing(places, situation));
    let rewaited = 0;
    for (const { from, to } of plan.rewaits) rewaited += await this.waitAnew(tx, campaign, from, to, now);
    const placed = plan.moves.filter(({ kind }) => kind === 'place');
    const kept = plan.moves.filter(({ kind }) => kind !== 'place');
    return {
      moved: rewaited + (await this.enrollments.move(tx, tenantId, id, kept, now)),
      placed: await this.enrollments.move(tx, tenantId, id, placed, now),
      exited: await this.enrollments.exitFrom(tx, tenantId, id, plan.exits, now),
    };
  }

  /** Moves everybody who waits at `from` to `to`, with the due time that the wait has there; returns how many. */
  private async waitAnew(tx: Tx, campaign: Campaign, from: CampaignStep, to: CampaignStep, now: Date): Promise<number> {
    const { tenantId, id: campaignId, timezone } = campaign;
    const endOfWait = rememberingEndOfWaitStep({ duration: to.waitDuration, until: to.waitUntil });
    // What is waited for may have happened already: the engine looks at once.
    const looksAtOnce = !asksAlike(from, to);
    const attribute = to.waitUntil?.attribute ?? null;
    let after: string | null = null;
    let moved = 0;
    for (let seen = WAITS_AT_ONCE; seen === WAITS_AT_ONCE;) {
      const window = { campaignId, stepId: from.id, attribute, after, limit: WAITS_AT_ONCE };
      const waiting = await this.enrollments.waitingAt(tx, tenantId, window);
      const due = waiting.map((contact) => ({
        id: contact.id,
        dueAt: looksAtOnce ? now : newEnd(endOfWait(contact.since, contact.timezone ?? timezone, contact.value), now),
      }));
      moved += await this.enrollments.moveWaiting(tx, tenantId, to.id, due, now);
      seen = waiting.length;
      after = waiting.at(-1)?.contactId ?? null;
    }
    return moved;
  }
}
