import { createHash } from 'node:crypto';

/** What people are taken to do with a message. Shares are of the messages sent, 0 to 1; delays are medians: half are faster, half slower. */
export interface Reactions {
  openRate: number;
  openDelayMinutes: number;
  /** Whoever clicks has opened. */
  clickRate: number;
  /** After the open. */
  clickDelayMinutes: number;
  replyRate: number;
  replyDelayMinutes: number;
  unsubscribeRate: number;
  bounceRate: number;
}

/** Something else people do: a custom event, caused once by this share of those who enter, counted from their entry. */
export interface AssumedEvent {
  name: string;
  rate: number;
  delayMinutes: number;
}

/** For one email step, or one variant of it, where it differs. */
export interface StepReactions extends Partial<Reactions> {
  stepId: string;
  variantId?: string;
}

export interface Assumptions extends Reactions {
  steps: StepReactions[];
  events: AssumedEvent[];
}

/** Middling figures of newsletters. Nobody bounces or unsubscribes unless that is asked for. */
export const USUAL_REACTIONS: Reactions = {
  openRate: 0.3,
  openDelayMinutes: 120,
  clickRate: 0.04,
  clickDelayMinutes: 5,
  replyRate: 0.01,
  replyDelayMinutes: 480,
  unsubscribeRate: 0,
  bounceRate: 0,
};

/** What holds for a message of this step and variant: the most particular word counts, field by field. */
export function reactionsTo(assumptions: Assumptions, stepId: string, variantId: string | null): Reactions {
  const { steps, events: _events, ...general } = assumptions;
  const ofStep = steps.filter((step) => step.stepId === stepId && step.variantId === undefined);
  const ofVariant = variantId === null ? [] : steps.filter((step) => step.stepId === stepId && step.variantId === variantId);
  const reactions: Reactions = { ...general };
  for (const { stepId: _step, variantId: _variant, ...given } of [...ofStep, ...ofVariant]) {
    for (const [field, value] of Object.entries(given)) if (value !== undefined) reactions[field as keyof Reactions] = value;
  }
  return reactions;
}

/** What becomes of one message: milliseconds after it was sent, null for what does not happen. */
export interface Fate {
  opened: number | null;
  clicked: number | null;
  replied: number | null;
  unsubscribed: number | null;
  bounced: number | null;
}

const MINUTE_MS = 60_000;
/** A bounce is told soon. */
const BOUNCE_MS = MINUTE_MS;
/** Whoever clicks sooner after sending counts as a machine. */
const SOONEST_CLICK_MS = 10_000;
/** Nobody is slower than so many medians: one in a million would be. */
const SLOWEST = 20;

/** Draws are taken in one order whatever is asked for, so that another rate changes nothing but what it is about. */
export function fateOf(reactions: Reactions, draw: () => number): Fate {
  const [engages, opens, clicks, answers, writes, leaves, fails] = Array.from({ length: 7 }, draw);
  const none = { opened: null, clicked: null, replied: null, unsubscribed: null };
  if (fails < reactions.bounceRate) return { ...none, bounced: BOUNCE_MS };
  const hasClicked = engages < reactions.clickRate;
  const hasLeft = leaves < reactions.unsubscribeRate;
  const openedAfter = delayMs(reactions.openDelayMinutes, opens);
  const clickedAfter = Math.max(SOONEST_CLICK_MS, openedAfter + delayMs(reactions.clickDelayMinutes, clicks));
  return {
    opened: hasClicked || hasLeft || engages < reactions.openRate ? openedAfter : null,
    clicked: hasClicked ? clickedAfter : null,
    replied: answers < reactions.replyRate ? delayMs(reactions.replyDelayMinutes, writes) : null,
    unsubscribed: hasLeft ? clickedAfter : null,
    bounced: null,
  };
}

/** Milliseconds after entering, or null for those who do not do it. */
export function eventAfter({ rate, delayMinutes }: AssumedEvent, draw: () => number): number | null {
  const [does, delay] = [draw(), draw()];
  return does < rate ? delayMs(delayMinutes, delay) : null;
}

/** Exponentially distributed about the median, in whole milliseconds. */
function delayMs(medianMinutes: number, drawn: number): number {
  const medians = Math.min(SLOWEST, -Math.log2(1 - drawn));
  return Math.round(medianMinutes * MINUTE_MS * medians);
}

/** Numbers in [0, 1), as good as drawn and always the same for the same parts: one hash, then sfc32. */
export function drawsFor(...parts: string[]): () => number {
  const hash = createHash('sha256').update(parts.join('\n')).digest();
  let [a, b, c, counter] = [0, 4, 8, 12].map((at) => hash.readInt32LE(at));
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}
