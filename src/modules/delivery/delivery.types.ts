import type { FrequencyCap, RampDay, SendWindow } from '../campaigns/index.js';
import type { PacingSettings } from './domain/pacing-settings.js';

/** A ledger row that an enrolment needs: it has reached an email step. */
export interface PlannedEmail {
  enrollmentId: string;
  contactId: string;
  entryNumber: number;
  dueAt: Date;
  /** Of a step under test: which of its variants this contact gets. */
  variantId?: string | null;
}

export interface CampaignWithMail {
  tenantId: string;
  campaignId: string;
  /** How many rows are due and free; counted up to `QUEUED_CAP` only. */
  queued: number;
  /** The account its mail goes through, the tenant's default one included; null for the provider of the installation. */
  accountId: string | null;
  /** When that account was last changed (ms); 0 without one. */
  accountVersion: number;
}

/** What every message of a campaign has in common. */
export interface SendingCampaign {
  tenantId: string;
  campaignId: string;
  name: string;
  fromEmail: string | null;
  fromName: string | null;
  replyToEmail: string | null;
  category: 'marketing' | 'transactional';
  unsubscribeEnabled: boolean;
  /** The account the campaign names. */
  providerAccountId: string | null;
  tenantName: string;
  postalAddress: string | null;
  timezone: string;
  launchedAt: Date | null;
  /** Contacts enrolled, or to be enrolled as far as is known. */
  audience: number;
  sendRatePerMinute: number | null;
  rampPlan: RampDay[] | null;
  frequencyCap: FrequencyCap | null;
  sendWindow: SendWindow | null;
  /** What the tenant has set for all its campaigns. */
  settings: PacingSettings | null;
}

/** What the pace of a campaign depends on. */
export type PacedCampaign = Pick<
  SendingCampaign,
  'campaignId' | 'sendRatePerMinute' | 'rampPlan' | 'launchedAt' | 'timezone' | 'audience' | 'settings'
>;

/** A row this worker holds the lease of, with what rendering needs to know about the contact. */
export interface ClaimedEmail {
  id: string;
  token: string;
  stepId: string;
  variantId: string | null;
  contactId: string;
  enrollmentId: string;
  entryNumber: number;
  attempts: number;
  createdAt: Date;
  /** When it was first handed to a provider: how long it has been tried. */
  firstFiredAt: Date | null;
  dueAt: Date;
  email: string;
  firstName: string | null;
  lastName: string | null;
  timezone: string | null;
  leadScore: number;
  attributes: Record<string, unknown>;
  tags: string[] | null;
}

/** What identifies a row in flight, and the contact that waits for it. */
export type EmailRef = Pick<ClaimedEmail, 'id' | 'token' | 'stepId' | 'enrollmentId' | 'entryNumber'>;

export type SkipReason =
  | 'unsubscribed'
  | 'suppressed'
  | 'contact_deleted'
  | 'enrollment_ended'
  | 'superseded'
  | 'campaign_ended'
  | 'missing_data'
  | 'frequency_cap';

/** What the gate found about a row that did not pass. `keep` goes back to the queue, `lost` belongs to somebody else by now. */
export type Refusal =
  | { verdict: 'skip'; reason: SkipReason }
  | { verdict: 'cancel'; reason: 'campaign_cancelled' }
  | {
      verdict: 'keep';
      reason: 'campaign_not_active' | 'not_started' | 'enrollment_paused' | 'address_changed' | 'provider_unavailable';
      dueAt: Date | null;
    }
  | { verdict: 'lost' };

/** How a row in flight ends; written by one statement that is conditional on the row's token. */
export interface Settlement extends EmailRef {
  status: 'sent' | 'queued' | 'failed' | 'unknown' | 'skipped' | 'cancelled';
  reason: string | null;
  detail: string | null;
  at: Date;
  providerMessageId?: string | null;
  /** For `queued`: when to try again; null leaves it as it was. */
  dueAt?: Date | null;
  /** Sets the attempts back to this: nothing was handed over, or the account was at fault. */
  attemptsBefore?: number;
  /** For `failed`: the address does not exist. */
  suppressEmail?: string;
}
