export type AbStatus = 'testing' | 'decided';
/** `significant`: the test found a winner · `inconclusive`: it ended without one, and the policy decided · `manual`: somebody chose. */
export type AbOutcome = 'significant' | 'inconclusive' | 'manual';

/** What became of a variant's messages. */
export interface VariantFigures {
  variantId: string;
  sent: number;
  /** Sent and not bounced or dropped: the trials of the test. Also known where a provider reports no deliveries. */
  reached: number;
  delivered: number;
  /** People who did it, machines left out; each counts once. */
  opened: number;
  clicked: number;
  replied: number;
  /** People who caused the goal event after the message was sent; 0 where the test has none. */
  converted: number;
}

/** One row of `ab_decisions`. */
export interface Decision {
  tenantId: string;
  campaignId: string;
  stepId: string;
  status: AbStatus;
  startedAt: Date;
  nextLookAt: Date | null;
  deadline: Date | null;
  alphaSpent: number;
  looks: number;
  outcome: AbOutcome | null;
  winnerVariantId: string | null;
  reason: string | null;
  figures: VariantFigures[] | null;
  decidedAt: Date | null;
  decidedBy: string | null;
  releasedAt: Date | null;
}
