import type { PauseReason, PauseThresholds } from '../../campaigns/index.js';

export interface GuardedCampaign {
  pauseThresholds: PauseThresholds | null;
  tenantThresholds: PauseThresholds | null;
  /** Accepted by the provider, or refused because the address does not exist. */
  sent: number;
  bounced: number;
  complained: number;
}

export const DEFAULT_THRESHOLDS: Required<PauseThresholds> = {
  bouncePercent: 5,
  bounceMinSent: 100,
  complaintPercent: 0.3,
  complaintMinSent: 500,
};

/** Whether a campaign must be paused, and why. Each figure the campaign does not set is the tenant's, else the default. */
export function verdictOn(campaign: GuardedCampaign): { reason: PauseReason; detail: string } | null {
  const limits = { ...DEFAULT_THRESHOLDS, ...campaign.tenantThresholds, ...campaign.pauseThresholds };
  const { sent, bounced, complained } = campaign;
  if (sent >= limits.complaintMinSent && isOver(complained, sent, limits.complaintPercent)) {
    return { reason: 'complaint_rate', detail: explain(complained, sent, 'complaints', limits.complaintPercent) };
  }
  if (sent >= limits.bounceMinSent && isOver(bounced, sent, limits.bouncePercent)) {
    return { reason: 'bounce_rate', detail: explain(bounced, sent, 'bounces', limits.bouncePercent) };
  }
  return null;
}

function isOver(bad: number, sent: number, percent: number): boolean {
  return bad > 0 && bad * 100 >= percent * sent;
}

function explain(bad: number, sent: number, what: string, percent: number): string {
  return `${bad} ${what} of ${sent} messages sent: ${((bad * 100) / sent).toFixed(2)} %, the limit is ${percent} %`;
}
