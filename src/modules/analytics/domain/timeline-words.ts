import type { ExitReason } from '../../enrollment/index.js';
import type { TimelineDetail, TimelineType } from './timeline-entry.js';

/** Reasons as they stand in the ledger and on enrolments, for people. One that is not here speaks for itself, or for its author. */
const REASONS: Record<string, string | undefined> & Record<ExitReason, string> = {
  address_changed: 'The address changed while the message was being made: it is made anew.',
  bounced: 'The address does not take mail.',
  campaign_cancelled: 'The campaign was cancelled.',
  campaign_ended: 'The end of the campaign had come.',
  campaign_not_active: 'The campaign is paused.',
  complained: 'The contact reported a message as spam.',
  contact_deleted: 'The contact was erased.',
  contact_erased: 'The contact was erased.',
  enrollment_ended: 'The contact had left the campaign.',
  enrollment_paused: 'The contact is held.',
  frequency_cap: 'The contact has had as many messages as the cap on frequency allows.',
  goal: 'The goal of the campaign was reached.',
  left_segment: 'The contact left the segment of the campaign.',
  missing_data: 'The message needs something that is not known of the contact.',
  not_started: 'The campaign has yet to start.',
  provider_unavailable: 'The provider takes nothing at the moment.',
  quiet_hours: 'It is outside the hours in which messages may be sent, by the clock of the contact.',
  ramp_limited: 'The sender is being warmed up, and today’s share is used up.',
  rate_limited: 'The rate at which messages may be sent is used up.',
  recipient_refused: 'The provider refused the address.',
  removed: 'Somebody took the contact out of the campaign.',
  replied: 'The contact answered.',
  retries_exhausted: 'It was tried as often as it may be.',
  send_window: 'It is outside the hours in which messages may be sent, by the clock of the contact.',
  step_removed: 'The step where the contact stood was taken out of the campaign.',
  superseded: 'The contact had begun the campaign anew.',
  suppressed: 'The address is on the list of those that must not be mailed.',
  unsubscribed: 'The contact unsubscribed.',
};

const MACHINES: Record<string, string> = {
  all_links: 'all links of the message were followed within two seconds',
  no_user_agent: 'the program did not say what it is',
  prefetch: 'it was fetched in advance, before anybody looked',
  privacy_proxy: 'a mail privacy proxy fetches pictures of every message, read or not',
  too_fast: 'it came within five seconds of the delivery',
  user_agent: 'the program calls itself a scanner or a robot',
  with_scanner: 'it came together with the hits of a scanner',
};

const BOUNCES: Record<string, string> = {
  hard: 'The address does not exist or takes no mail at all.',
  soft: 'The mailbox could not take the message this time.',
  block: 'The receiving server refuses our mail.',
};

const WAITING: Record<string, string> = {
  due_time: 'Waits for its time.',
  message_under_way: 'Its message is on its way.',
  message_deferred: 'Its message is put off.',
  ab_test: 'Waits for the winner of the A/B test.',
  held: 'Held by hand.',
  campaign_paused: 'The campaign is paused.',
};

/** Why it came to this, in a sentence; null where there is nothing to explain. */
export function explain(
  type: TimelineType,
  { reason, isMachine, machineReason, bounceClass, because, message, variant }: TimelineDetail,
): string | null {
  switch (type) {
    case 'skipped':
    case 'cancelled':
    case 'failed':
      return reason ? (REASONS[reason] ?? null) : null;
    case 'exited':
      return (reason && REASONS[reason]) || 'An action of the flow ended it.';
    case 'unknown':
      return 'Whether the provider took the message is not known: it is not sent again unless that is proved or wanted.';
    case 'planned':
      return variant === undefined ? null : `Drawn for the variant ${JSON.stringify(variant)}.`;
    case 'opened':
    case 'clicked':
      return isMachine
        ? `Not a person: ${MACHINES[machineReason ?? ''] ?? 'a machine gave itself away'}.`
        : 'Taken for a person: nothing gave a machine away.';
    case 'auto_replied':
      return 'An automatic answer: it counts as nothing.';
    case 'bounced':
      return BOUNCES[bounceClass ?? ''] ?? null;
    case 'completed':
      return 'The end of the flow.';
    case 'enrollment_failed':
      return message ? 'The contact could not be taken any further.' : null;
    case 'waiting':
      return [WAITING[because ?? ''], reason && REASONS[reason]].filter(Boolean).join(' ') || null;
    default:
      return null;
  }
}
