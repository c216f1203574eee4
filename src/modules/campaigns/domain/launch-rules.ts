import type { Campaign } from './campaign.js';
import { homeSegment } from './entry.js';

/** One thing that stands in the way of a launch (`error`) or should be looked at before it (`warning`). */
export interface LaunchFinding {
  severity: 'error' | 'warning';
  /** Stable name, part of the API. */
  code: string;
  /** What is wrong and what to do about it. */
  message: string;
  /** Where: a field of the campaign, `tenant.postalAddress`, or `steps[2].emailContent`. */
  path?: string;
  stepId?: string;
}

/** Whether it says that people have not approved (this) yet: nothing that an edit would mend. */
export function isAboutApproval({ code }: Pick<LaunchFinding, 'code'>): boolean {
  return code.startsWith('approval_');
}

export interface LaunchCircumstances {
  now: Date;
  /** Of the tenant: stands in the footer of every marketing message. */
  postalAddress: string | null;
  /** Whether the segment holds anybody at this moment. */
  hasAudience: boolean;
  /** The caller knows that the start date has passed and means "start at once". */
  confirmPastStart: boolean;
  /** `schedule` waits for the start date; `launch` begins now. */
  purpose: 'launch' | 'schedule';
}

/** The launch checks that need only the campaign itself; steps and later modules add theirs through `LaunchChecks`. */
export function campaignFindings(campaign: Campaign, circumstances: LaunchCircumstances): LaunchFinding[] {
  return [
    ...audienceFindings(campaign, circumstances),
    ...entryFindings(campaign),
    ...senderFindings(campaign),
    ...dateFindings(campaign, circumstances),
    ...complianceFindings(campaign, circumstances),
  ];
}

function audienceFindings({ segmentId, campaignType, keepEnrolling }: Campaign, { hasAudience }: LaunchCircumstances): LaunchFinding[] {
  if (campaignType === 'triggered') return [];
  if (keepEnrolling && segmentId !== null) return [];
  if (segmentId === null) {
    return [error('segment_missing', 'segmentId', 'The campaign has no audience: set segmentId.')];
  }
  if (hasAudience) return [];
  const message = 'Nobody is in the segment at the moment: the campaign would reach no one.';
  return [{ severity: 'warning', code: 'audience_empty', path: 'segmentId', message }];
}

function entryFindings(campaign: Campaign): LaunchFinding[] {
  const findings: LaunchFinding[] = [];
  if (campaign.campaignType === 'triggered' && campaign.trigger === null) {
    findings.push(
      error('trigger_missing', 'trigger', 'Nothing lets people into the campaign: set trigger to an event or to the entry into a segment.'),
    );
  }
  if (campaign.exitOnSegmentLeave && homeSegment(campaign) === null) {
    findings.push(error('segment_missing', 'segmentId', 'People are to leave with their segment, but there is none: set segmentId.'));
  }
  return findings;
}

function senderFindings({ fromEmail, fromName }: Campaign): LaunchFinding[] {
  const findings: LaunchFinding[] = [];
  if (!fromEmail) findings.push(error('from_email_missing', 'fromEmail', 'The sender has no address: set fromEmail.'));
  if (!fromName) findings.push(error('from_name_missing', 'fromName', 'The sender has no name: set fromName.'));
  return findings;
}

function dateFindings(campaign: Campaign, { now, confirmPastStart, purpose }: LaunchCircumstances): LaunchFinding[] {
  const { startDate, endDate, sendStrategy } = campaign;
  const findings: LaunchFinding[] = [];
  if (endDate && endDate <= now) {
    findings.push(error('end_in_past', 'endDate', `The end date ${endDate.toISOString()} has passed: nothing would be sent.`));
  }
  const waitsForStart = purpose === 'schedule' || sendStrategy === 'scheduled';
  if (waitsForStart && !startDate) {
    const why = purpose === 'schedule' ? 'A campaign is scheduled for its start date' : 'The send strategy "scheduled" needs a start date';
    findings.push(error('start_date_missing', 'startDate', `${why}: set startDate.`));
  }
  if (waitsForStart && startDate && startDate <= now && !confirmPastStart) {
    const message = `The start date ${startDate.toISOString()} has passed: move it, or send confirmPastStart: true to start at once.`;
    findings.push(error('start_in_past', 'startDate', message));
  }
  if (purpose === 'launch' && sendStrategy !== 'scheduled' && startDate && startDate > now) {
    const message = `The start date ${startDate.toISOString()} is still ahead, but a launch begins now. Use "schedule" to wait for it.`;
    findings.push({ severity: 'warning', code: 'start_date_ignored', path: 'startDate', message });
  }
  return findings;
}

function complianceFindings({ category, unsubscribeEnabled }: Campaign, { postalAddress }: LaunchCircumstances): LaunchFinding[] {
  if (category !== 'marketing') return [];
  const findings: LaunchFinding[] = [];
  if (!unsubscribeEnabled) {
    const message =
      'Marketing mail must let people unsubscribe: set unsubscribeEnabled, or category "transactional" if it is no marketing.';
    findings.push(error('unsubscribe_required', 'unsubscribeEnabled', message));
  }
  if (!postalAddress?.trim()) {
    const message = "Marketing mail must carry the sender's postal address: set it on the tenant.";
    findings.push(error('postal_address_missing', 'tenant.postalAddress', message));
  }
  return findings;
}

function error(code: string, path: string, message: string): LaunchFinding {
  return { severity: 'error', code, path, message };
}
