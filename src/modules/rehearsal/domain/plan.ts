import type { Campaign } from '../../campaigns/index.js';
import type { PacedCampaign } from '../../delivery/index.js';
import type { Decision } from '../../experiments/index.js';
import type { ContactFacts, SegmentDefinitions } from '../../segments/index.js';
import type { Flow } from '../../steps/index.js';
import type { QuietHours } from '../../../shared/send-window.js';
import type { Assumptions } from './assumptions.js';

/** A contact as it is loaded: only what the flow asks about is there (attributes, events, static segments). */
export interface LoadedPerson {
  id: string;
  facts: Omit<ContactFacts, 'emails'>;
  /** When this person opened mail so far, in milliseconds; only for the strategy `optimized`. */
  opens: readonly number[];
  /** When marketing mail went to this person, ascending; only under a frequency cap. */
  mailTimes: readonly Date[];
}

export type RehearsedCampaign = Pick<
  Campaign,
  | 'id'
  | 'category'
  | 'timezone'
  | 'sendStrategy'
  | 'startDate'
  | 'startInContactZone'
  | 'endDate'
  | 'trackOpens'
  | 'trackClicks'
  | 'exitOnReply'
  | 'goal'
  | 'frequencyCap'
  | 'sendWindow'
>;

/** All a rehearsal needs: from here on it asks nobody. */
export interface RehearsalPlan {
  campaign: RehearsedCampaign;
  flow: Flow;
  /** Names of variants by id. */
  variantNames: ReadonlyMap<string, string>;
  /** Every segment that a rule refers to, directly or not. */
  segments: SegmentDefinitions;
  /** Whoever is no longer in this segment is through; null where the campaign does not ask. */
  leaveSegmentId: string | null;
  /** Tests that are decided already, by step. */
  decisions: ReadonlyMap<string, Decision>;
  /** Rates and ramps, scaled to the share of the audience that takes part. */
  pace: PacedCampaign;
  quietHours: QuietHours | null;
  startAt: Date;
  seed: string;
  assumptions: Assumptions;
  /** In the order of ids. */
  people: LoadedPerson[];
  /** Of whom every visit is kept. */
  followed: ReadonlySet<string>;
}
