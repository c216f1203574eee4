import type { FrequencyCap, PauseThresholds } from '../../../shared/pacing.js';
import type { QuietHours } from '../../../shared/send-window.js';

export type BudgetScope = 'campaign' | 'ramp' | 'account' | 'domain';

/** The default of `domainRates`: each domain that is not listed has this rate for itself. */
export const ANY_DOMAIN = '*';

/** What a tenant sets for all its campaigns. Everything may be missing. */
export interface PacingSettings {
  /** By the contact's clock; for marketing mail. */
  quietHours?: QuietHours | null;
  /** For campaigns that have none of their own; for marketing mail. */
  frequencyCap?: FrequencyCap | null;
  /** Messages per minute by one provider account, over all campaigns of the tenant. */
  accountRatePerMinute?: number | null;
  /** Messages per minute to the mailboxes of one domain, over all campaigns of the tenant. */
  domainRates?: { domain: string; perMinute: number }[] | null;
  pauseThresholds?: PauseThresholds | null;
}
