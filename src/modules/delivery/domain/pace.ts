/**
 * How many messages to take at a time, from how fast they have been going out. A group in flight should last a small part of a second: that is
 * what a pause has to wait for and what a crash leaves in doubt. A claimed batch should last about a second: the next one is claimed
 * while it is sent, and both must be fired before half of the claim's lease is gone, which is what a lost worker delays.
 */
export interface PaceLimits {
  /** Fewest per group: a full call of the provider. */
  minGroup: number;
  maxGroup: number;
  maxBatch: number;
}

const GROUP_SECONDS = 0.15;
const BATCH_SECONDS = 1;
/** Weight of the newest measurement. */
const ALPHA = 0.3;

export class Pace {
  private perSecond: number | undefined;

  constructor(private readonly limits: PaceLimits) {}

  /** `messages` went out in `ms`, measured from end to end. */
  record(messages: number, ms: number): void {
    const rate = (messages * 1000) / Math.max(ms, 1);
    this.perSecond = this.perSecond === undefined ? rate : ALPHA * rate + (1 - ALPHA) * this.perSecond;
  }

  get groupSize(): number {
    const { minGroup, maxGroup } = this.limits;
    return clamp(Math.round((this.perSecond ?? 0) * GROUP_SECONDS), minGroup, Math.max(minGroup, maxGroup));
  }

  get batchSize(): number {
    const { maxBatch } = this.limits;
    return clamp(Math.round((this.perSecond ?? 0) * BATCH_SECONDS), Math.min(2 * this.groupSize, maxBatch), maxBatch);
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
