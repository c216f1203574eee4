/**
 * Was it a person? First cut: what the request itself admits. Clicks that come faster than anybody reads are judged when the event is applied,
 * because only then the time of sending is known.
 */
export interface HitHeaders {
  userAgent?: string;
  /** `Sec-Purpose` (Fetch standard) and the older `Purpose` / `X-Purpose` / `X-Moz`. */
  purpose?: string;
}

/** Mail proxies and scanners that fetch images and links on their own. Gmail's image proxy is not among them: it fetches when a person opens. */
const MACHINES =
  /bot\b|crawler|spider|preview|prefetch|scanner|barracuda|proofpoint|mimecast|symantec|safelinks|fortiguard|urldefense|trendmicro|python-requests|curl\/|wget\/|go-http-client|okhttp|java\/|headless|facebookexternalhit/i;

/** Why the hit counts as a machine's, or null. The reason is a stable name and stands on the event. */
export function machineReason(headers: HitHeaders): string | null {
  if (headers.purpose && /prefetch|preview|prerender/i.test(headers.purpose)) return 'prefetch';
  if (headers.userAgent === undefined || headers.userAgent.trim() === '') return 'no_user_agent';
  // Apple's privacy proxy announces itself with this bare string and nothing behind it.
  if (headers.userAgent.trim() === 'Mozilla/5.0') return 'privacy_proxy';
  return MACHINES.test(headers.userAgent) ? 'user_agent' : null;
}

/** Nobody reads a message and clicks within this time after the provider took it: a scanner did. */
export const FASTEST_HUMAN_CLICK_MS = 5_000;
