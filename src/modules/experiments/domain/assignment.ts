import { seededFraction, weightedIndex } from '../../../shared/seeded.js';

/** Where a draw belongs. The id of the campaign is the seed: random itself, and another one in every copy. */
export interface DrawKey {
  campaignId: string;
  stepId: string;
  contactId: string;
}

/**
 * A number in [0, 1) that depends on nothing but these: the same contact draws the same at every attempt, on every machine, and at re-entry.
 * `purpose` makes draws independent of each other.
 */
export function draw(purpose: 'share' | 'variant', { campaignId, stepId, contactId }: DrawKey): number {
  return seededFraction(`${purpose}:${campaignId}:${stepId}:${contactId}`);
}

/** Whether the contact takes part in the test; `share` of all do. */
export function takesPart(share: number, key: DrawKey): boolean {
  return share >= 1 || draw('share', key) < share;
}

/** The contact's variant by weight: variant `i` gets `weight_i / sum` of all contacts. */
export function variantOf(variants: readonly { id: string; weight: number }[], key: DrawKey): string {
  const weights = variants.map(({ weight }) => weight);
  return variants[weightedIndex(weights, draw('variant', key))].id;
}
