/** What is counted of a campaign's mail, of one day or of many: every count is a sum, so counts of days add up. */
export interface Counts {
  /** Messages the provider accepted. */
  emailsSent: number;
  /** Messages a receiving server took; one that bounced later stays counted here and is counted among the bounced too. */
  emailsDelivered: number;
  emailsBounced: number;
  /** Messages opened by a person, each counted once, at the first time. */
  uniqueOpens: number;
  /** All openings by people. */
  totalOpens: number;
  uniqueClicks: number;
  totalClicks: number;
  /** Messages that were answered. */
  replies: number;
  spamComplaints: number;
  unsubscribes: number;
}

/** The same in more detail: bounces by their class, and machines (mail proxies, scanners) apart from people. */
export interface DetailedCounts extends Counts {
  bouncesHard: number;
  bouncesSoft: number;
  /** Refused by the receiving server for what it thinks of the sender. */
  bouncesBlocked: number;
  /** All openings by machines. */
  machineOpens: number;
  machineClicks: number;
  /** Messages opened by a person or a machine, each counted once, at the first time. */
  anyOpens: number;
  anyClicks: number;
}

/** Per cent with two decimals, null where the denominator is 0. */
export interface Rates {
  /** Delivered of sent. */
  deliveryRate: number | null;
  /** Unique opens of delivered; likewise the others. */
  openRate: number | null;
  clickRate: number | null;
  replyRate: number | null;
  unsubscribeRate: number | null;
}

export const NOTHING: Readonly<Counts> = Object.freeze({
  emailsSent: 0,
  emailsDelivered: 0,
  emailsBounced: 0,
  uniqueOpens: 0,
  totalOpens: 0,
  uniqueClicks: 0,
  totalClicks: 0,
  replies: 0,
  spamComplaints: 0,
  unsubscribes: 0,
});

export const NOTHING_AT_ALL: Readonly<DetailedCounts> = Object.freeze({
  ...NOTHING,
  bouncesHard: 0,
  bouncesSoft: 0,
  bouncesBlocked: 0,
  machineOpens: 0,
  machineClicks: 0,
  anyOpens: 0,
  anyClicks: 0,
});

export const COUNT_NAMES = Object.keys(NOTHING) as (keyof Counts)[];
export const DETAILED_NAMES = Object.keys(NOTHING_AT_ALL) as (keyof DetailedCounts)[];

/** The most that DECIMAL(5,2) holds. On a day that delivers one message and sees a thousand opens of older ones, a rate means nothing anyway. */
export const MAX_RATE = 999.99;

/** `part` of `whole` in per cent, half a hundredth rounded up, as the database rounds; null where `whole` is 0. */
export function percent(part: number, whole: number): number | null {
  if (whole === 0) return null;
  return Math.min(MAX_RATE, Math.round((part * 10_000) / whole) / 100);
}

export function ratesOf(counts: Counts): Rates {
  const { emailsDelivered: delivered } = counts;
  return {
    deliveryRate: percent(delivered, counts.emailsSent),
    openRate: percent(counts.uniqueOpens, delivered),
    clickRate: percent(counts.uniqueClicks, delivered),
    replyRate: percent(counts.replies, delivered),
    unsubscribeRate: percent(counts.unsubscribes, delivered),
  };
}

export function addUp(counts: Iterable<DetailedCounts>): DetailedCounts {
  const total: DetailedCounts = { ...NOTHING_AT_ALL };
  for (const one of counts) for (const name of DETAILED_NAMES) total[name] += one[name];
  return total;
}
