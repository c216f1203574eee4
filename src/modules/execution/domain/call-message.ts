/** What a call tells the receiver: which contact got where in which campaign, and how the contact is now. */
export interface CallFacts {
  occurredAt: Date;
  campaignId: string;
  campaignName: string;
  stepId: string;
  stepName: string | null;
  enrollmentId: string;
  entryNumber: number;
  contact: object;
}

/** The `type` of the body: Standard Webhooks names an event by it. */
export const STEP_REACHED = 'campaign.step_reached';

/** The body of a call, as outgoing webhooks have it: `{ type, timestamp, data }`. */
export function callBody({ occurredAt, contact, ...f }: CallFacts): string {
  return JSON.stringify({
    type: STEP_REACHED,
    timestamp: occurredAt.toISOString(),
    data: {
      campaign: { id: f.campaignId, name: f.campaignName },
      step: { id: f.stepId, name: f.stepName },
      enrollment: { id: f.enrollmentId, entryNumber: f.entryNumber },
      contact,
    },
  });
}
