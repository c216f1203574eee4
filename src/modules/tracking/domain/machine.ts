/**
 * Was it a person? What a request admits about itself is judged at once (`machineReason`); what only shows from the message's other hits and from
 * when it was sent, when the event is applied (`burstReasons`). A hit is never dropped: it is flagged, with the reason.
 */
export interface HitHeaders {
  userAgent?: string;
  /** `Sec-Purpose` (Fetch standard) and the older `Purpose` / `X-Purpose` / `X-Moz`. */
  purpose?: string;
}

/** Mail proxies and scanners that fetch images and links on their own. Gmail's image proxy is not among them: it fetches when a person opens. */
const MACHINES = new RegExp(
  [
    'bot\\b|crawler|spider|preview|prefetch|scanner|headless|phantomjs|facebookexternalhit|whatsapp\\/|slack-imgproxy|slackbot|skypeuripreview',
    'barracuda|proofpoint|mimecast|symantec|messagelabs|safelinks|fortiguard|fortimail|urldefense|trend ?micro|sophos|ironport|cisco-|mcafee|trellix',
    'fireeye|forcepoint|websense|zscaler|bitdefender|kaspersky|cloudmark|hornetsecurity|vade ?secure|agari|appriver|checkpoint|avanan|virustotal',
    'python-|aiohttp|curl\\/|wget\\/|libwww|go-http-client|okhttp|apache-httpclient|java\\/|axios\\/|ruby|php\\/|winhttp',
  ].join('|'),
  'i',
);

/** Why the hit counts as a machine's, or null. The reason is a stable name and stands on the event. */
export function machineReason(headers: HitHeaders): string | null {
  if (headers.purpose && /prefetch|preview|prerender/i.test(headers.purpose)) return 'prefetch';
  if (headers.userAgent === undefined || headers.userAgent.trim() === '') return 'no_user_agent';
  // Apple's privacy proxy announces itself with this bare string and nothing behind it.
  if (headers.userAgent.trim() === 'Mozilla/5.0') return 'privacy_proxy';
  return isMachineAgent(headers.userAgent) ? 'user_agent' : null;
}

/** What has been said of the last few thousand agents: the world has not many more, and the pattern is long. */
const known = new Map<string, boolean>();
const MAX_KNOWN = 2_000;

function isMachineAgent(userAgent: string): boolean {
  let isMachine = known.get(userAgent);
  if (isMachine === undefined) {
    isMachine = MACHINES.test(userAgent);
    if (known.size >= MAX_KNOWN) known.clear();
    if (userAgent.length <= 500) known.set(userAgent, isMachine);
  }
  return isMachine;
}

/** Nobody reads a message and clicks within this time after the provider took it: a scanner did. */
export const FASTEST_HUMAN_CLICK_MS = 5_000;
/** Nobody follows all links of a message within this time. */
export const BURST_MS = 2_000;

/** One hit on a message, with what has been found out about it so far. */
export interface MessageHit {
  id: string;
  type: 'opened' | 'clicked' | 'unsubscribe_viewed';
  at: Date;
  /** Which link it was (any name that tells the message's links apart); null for what is no link. */
  link: string | null;
  userAgent: string | null;
  machineReason: string | null;
}

export interface HitMessage {
  /** When the provider took it, as far as is known. */
  acceptedAt: Date | null;
  /** How many different links its content has, the one for unsubscribing not counted. */
  linkCount: number;
}

/**
 * What the hits of one message give away about each other: the reason for every hit that is a machine's and is not known as one. Given all
 * hits of the message the answer does not depend on the order in which they became known. Pure.
 *
 * - `too_fast`: clicked within five seconds of acceptance.
 * - `all_links`: within two seconds every link of the content was followed (of a message with one link: that one and the unsubscribe page).
 *   Opening the unsubscribe page counts as a link, because scanners do not know what it is.
 * - `with_scanner`: a picture loaded by the same program within two seconds of such clicks.
 */
export function burstReasons(hits: readonly MessageHit[], { acceptedAt, linkCount }: HitMessage): Map<string, string> {
  const found = new Map<string, string>();
  const isMachine = (hit: MessageHit) => hit.machineReason !== null || found.has(hit.id);
  const flag = (hit: MessageHit, reason: string) => {
    if (!isMachine(hit)) found.set(hit.id, reason);
  };
  const links = hits.filter(({ type }) => type !== 'opened').sort((a, b) => a.at.getTime() - b.at.getTime());
  for (const hit of links) {
    if (acceptedAt !== null && hit.at.getTime() - acceptedAt.getTime() < FASTEST_HUMAN_CLICK_MS) flag(hit, 'too_fast');
  }
  for (const burst of bursts(links)) {
    const followed = new Set(burst.map(({ type, link }) => `${type}/${link}`));
    if (followed.size >= Math.max(2, linkCount)) for (const hit of burst) flag(hit, 'all_links');
  }
  const scans = links.filter(isMachine);
  for (const hit of hits) {
    const isWithScan = (scan: MessageHit) => Math.abs(scan.at.getTime() - hit.at.getTime()) <= BURST_MS && scan.userAgent === hit.userAgent;
    if (hit.type === 'opened' && scans.some(isWithScan)) flag(hit, 'with_scanner');
  }
  return found;
}

/** For each hit, those that follow it within the time of a burst, itself first. `links` in the order of time. */
function* bursts(links: readonly MessageHit[]): Generator<MessageHit[]> {
  for (let from = 0, to = 0; from < links.length; from++) {
    while (to < links.length && links[to].at.getTime() - links[from].at.getTime() <= BURST_MS) to++;
    if (to - from > 1) yield links.slice(from, to);
  }
}
