import { createHash } from 'node:crypto';

const BITS_48 = 2 ** 48;

/** Where a draw belongs. The id of the campaign is the seed: random itself, and another one in every copy. */
export interface DrawKey {
  campaignId: string;
  stepId: string;
  contactId: string;
}

/**
 * A number in [0, 1) that depends on nothing but these: the same contact draws the same at every attempt, on every machine, and at re-entry.
 * `purpose` makes draws independent of each other. The first 48 bits of SHA-256 over the parts, divided by 2^48.
 */
export function draw(purpose: 'share' | 'variant', { campaignId, stepId, contactId }: DrawKey): number {
  const digest = createHash('sha256').update(`${purpose}:${campaignId}:${stepId}:${contactId}`).digest();
  return digest.readUIntBE(0, 6) / BITS_48;
}

/** Whether the contact takes part in the test; `share` of all do. */
export function takesPart(share: number, key: DrawKey): boolean {
  return share >= 1 || draw('share', key) < share;
}

/** The contact's variant by weight: variant `i` gets `weight_i / sum` of all contacts. */
export function variantOf(variants: readonly { id: string; weight: number }[], key: DrawKey): string {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let left = draw('variant', key) * total;
  for (const { id, weight } of variants) {
    left -= weight;
    if (left < 0) return id;
  }
  return variants[variants.length - 1].id;
}
