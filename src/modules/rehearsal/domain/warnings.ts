import type { Campaign } from '../../campaigns/index.js';
import type { Rule } from '../../segments/index.js';
import type { Flow, FlowStep } from '../../steps/index.js';
import type { Assumptions } from './assumptions.js';
import { leavesOf } from './needs.js';

/** What a rehearsal leaves out or takes for granted, where it matters for this campaign. */
export interface RehearsalWarning {
  code: string;
  message: string;
  stepId?: string;
}

export interface Circumstances {
  campaign: Pick<
    Campaign,
    | 'campaignType'
    | 'keepEnrolling'
    | 'trackOpens'
    | 'trackClicks'
    | 'trigger'
    | 'goal'
    | 'exitOnSegmentLeave'
    | 'sendRatePerMinute'
    | 'rampPlan'
    | 'endDate'
  >;
  flow: Flow;
  rules: readonly Rule[];
  assumptions: Assumptions;
  /** Of the audience, how much takes part: 1 for all. */
  share: number;
  hasTenantRates: boolean;
}

export function warningsOf(circumstances: Circumstances): RehearsalWarning[] {
  return [
    ...alwaysTrue(),
    ...aboutPeople(circumstances),
    ...aboutEvents(circumstances),
    ...aboutTracking(circumstances),
    ...aboutPace(circumstances),
    ...[...circumstances.flow.steps.values()].flatMap((step) => aboutStep(step, circumstances)),
  ];
}

function alwaysTrue(): RehearsalWarning[] {
  return [
    warn('never_late', 'Every step acts at the moment it is due, and the provider takes every message at once: no retries, no pauses.'),
    warn('content_not_rendered', 'Content is not rendered: who would be skipped for missing data (missing_data) is not shown.'),
  ];
}

function aboutPeople({ campaign, share }: Circumstances): RehearsalWarning[] {
  const found: RehearsalWarning[] = [];
  if (share < 1) {
    const percent = Math.round(share * 10_000) / 100;
    found.push(
      warn('sampled', `${percent} % of the audience take part, drawn by the seed. Rates are scaled to them; counts are theirs alone.`),
    );
  }
  if (campaign.campaignType === 'triggered')
    found.push(warn('entry_at_start', 'In reality people enter one by one; here everybody who may enter does so at the start.'));
  else if (campaign.keepEnrolling) found.push(warn('entry_at_start', 'Whoever comes into the segment later is not shown.'));
  if (campaign.goal?.type === 'rule' || campaign.exitOnSegmentLeave)
    found.push(
      warn(
        'watched_at_once',
        'Goals by rule and leaving the segment are looked at whenever something happens to a person; in reality, in rounds.',
      ),
    );
  return found;
}

function aboutEvents({ campaign, flow, rules, assumptions }: Circumstances): RehearsalWarning[] {
  const assumed = new Set(assumptions.events.map(({ name }) => name));
  const asked = [
    ...[...flow.steps.values()].flatMap(({ event, experiment }) => [
      ...(event ? [event] : []),
      ...(experiment?.test?.goalEvent ? [{ name: experiment.test.goalEvent }] : []),
    ]),
    ...(campaign.goal?.type === 'event' ? [campaign.goal] : []),
    ...leavesOf(rules).flatMap((leaf) => (leaf.type === 'event' ? [{ name: leaf.name }] : [])),
  ];
  const missing = [...new Set(asked.map(({ name }) => name))].filter((name) => !assumed.has(name));
  const filtered = [
    ...new Set(asked.flatMap((event) => ('filter' in event && event.filter && assumed.has(event.name) ? [event.name] : []))),
  ];
  return [
    ...missing.map((name) => warn('event_not_assumed', `Nobody causes the event "${name}" here: give it a rate in assumptions.events.`)),
    ...filtered.map((name) =>
      warn('event_filter_ignored', `Every assumed event "${name}" counts, whatever its filter asks of its properties.`),
    ),
  ];
}

function aboutTracking({ campaign, rules }: Circumstances): RehearsalWarning[] {
  const asked = new Set(leavesOf(rules).map(({ type }) => type));
  const found: RehearsalWarning[] = [];
  if (!campaign.trackOpens && asked.has('email_opened'))
    found.push(warn('opens_not_tracked', 'The flow asks for opens, which the campaign does not track: nobody opens here.'));
  if (!campaign.trackClicks && asked.has('email_clicked'))
    found.push(warn('clicks_not_tracked', 'The flow asks for clicks, which the campaign does not track: nobody clicks here.'));
  return found;
}

function aboutPace({ campaign, hasTenantRates }: Circumstances): RehearsalWarning[] {
  if (!hasTenantRates) return [];
  const message = 'Rates of accounts and domains are shared with other campaigns; here this one has them for itself.';
  return [warn('rates_shared', campaign.sendRatePerMinute || campaign.rampPlan ? `${message} Its own rates are kept.` : message)];
}

function aboutStep(step: FlowStep, { share }: Circumstances): RehearsalWarning[] {
  const type: string | undefined = step.action?.type;
  const found: RehearsalWarning[] = [];
  if (type === 'enroll') found.push(warn('enroll_not_followed', 'The other campaign is not rehearsed with this one.', step));
  if (type === 'webhook') found.push(warn('webhook_not_called', 'Nothing is called; the contact goes on.', step));
  if (step.experiment?.test && share < 1)
    found.push(warn('test_on_sample', 'The test has fewer people here than in reality and may end differently for that alone.', step));
  return found;
}

function warn(code: string, message: string, step?: FlowStep): RehearsalWarning {
  return step ? { code, message, stepId: step.id } : { code, message };
}
