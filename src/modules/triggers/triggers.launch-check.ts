import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import {
  CampaignChangedError,
  CampaignsService,
  type Campaign,
  type LaunchCheck,
  type LaunchFinding,
  type LaunchOccasion,
} from '../campaigns/index.js';
import { SegmentsService, type EventFilter, type Rule } from '../segments/index.js';
import { StepVersions, type CampaignStep } from '../steps/index.js';
import { TriggerEventsQueries, type NewListener } from './trigger-events.queries.js';
import { WatchesQueries } from './watches.queries.js';
import { watchesOf } from './watches.service.js';

/** What lets people in and out has to be there at launch; from then on the campaign listens. */
@Injectable()
export class TriggersLaunchCheck implements LaunchCheck {
  readonly name = 'triggers';

  constructor(
    private readonly segments: SegmentsService,
    private readonly versions: StepVersions,
    private readonly events: TriggerEventsQueries,
    private readonly watches: WatchesQueries,
    private readonly campaigns: CampaignsService,
    private readonly clock: Clock,
  ) {}

  async check(tx: Tx, campaign: Campaign): Promise<LaunchFinding[]> {
    const problems = await this.problems(tx, campaign);
    const errors = problems.map(({ path, message, code }) => ({
      severity: 'error' as const,
      code: code ?? 'rule_not_usable',
      path,
      message,
    }));
    return [...errors, ...(await this.targetFindings(tx, campaign))];
  }

  /** Of a campaign under way, the steps of every version may hold somebody; and rounds that have begun go on, or newcomers would be overlooked. */
  async freeze(tx: Tx, campaign: Campaign, _prepared: unknown, occasion: LaunchOccasion): Promise<void> {
    if ((await this.problems(tx, campaign)).length > 0) throw new CampaignChangedError(campaign.status);
    const { tenantId, id } = campaign;
    const steps = await this.versions.listAll(tx, tenantId, id);
    await this.events.replaceListeners(tx, tenantId, id, [...listenersOf(campaign), ...waitsOf(steps)]);
    const watches = watchesOf(campaign, steps);
    if (occasion === 'launch') await this.watches.start(tx, tenantId, id, watches, this.clock.now());
    else await this.watches.add(tx, tenantId, id, watches, this.clock.now());
  }

  /** Campaigns that steps enrol people in: one that is not open now may be when somebody gets there. */
  private async targetFindings(tx: Tx, { tenantId, id, stepsVersion }: Campaign): Promise<LaunchFinding[]> {
    const findings: LaunchFinding[] = [];
    for (const [index, { id: stepId, actionConfig }] of (await this.versions.list(tx, tenantId, id, stepsVersion)).entries()) {
      if (actionConfig?.type !== 'enroll') continue;
      const status = await this.campaigns.statusOf(tx, tenantId, actionConfig.campaignId);
      if (status === 'active' || status === 'paused') continue;
      const at = { path: `steps[${index}].actionConfig.campaignId`, stepId };
      const message =
        'The campaign that this step enrols people in takes nobody in at the moment: whoever gets here then is passed over and goes on.';
      if (status) findings.push({ severity: 'warning', code: 'target_not_open', message, ...at });
      else
        findings.push({
          severity: 'error',
          code: 'campaign_not_found',
          message: 'The campaign that this step enrols people in is not there any more.',
          ...at,
        });
    }
    return findings;
  }

  /** Segments that are there now cannot be deleted while `tx` is open, nor later while the campaign names them. */
  private async problems(tx: Tx, { tenantId, trigger, goal }: Campaign): Promise<Problem[]> {
    const problems: Problem[] = [];
    if (trigger?.type === 'segment_entry') {
      const rule = { type: 'segment' as const, segmentId: trigger.segmentId };
      problems.push(...(await this.segments.assertRuleUsable(tx, tenantId, rule, 'trigger')));
    }
    if (goal?.type === 'rule') problems.push(...(await this.segments.assertRuleUsable(tx, tenantId, goal.rules as Rule, 'goal.rules')));
    return problems;
  }
}

function listenersOf({ trigger, goal }: Campaign): NewListener[] {
  const listeners: NewListener[] = [];
  if (trigger?.type === 'event') listeners.push({ purpose: 'entry', stepId: null, eventName: trigger.name, filter: filterOf(trigger) });
  if (goal?.type === 'event') listeners.push({ purpose: 'goal', stepId: null, eventName: goal.name, filter: filterOf(goal) });
  return listeners;
}

function waitsOf(steps: readonly CampaignStep[]): NewListener[] {
  return steps.flatMap(({ id, stepType, waitEvent }) =>
    stepType === 'wait_for' && waitEvent
      ? [{ purpose: 'wait' as const, stepId: id, eventName: waitEvent.name, filter: filterOf(waitEvent) }]
      : [],
  );
}

/** Checked when it was saved. */
function filterOf({ filter }: { filter?: unknown }): EventFilter | null {
  return (filter as EventFilter | null | undefined) ?? null;
}
