import { DnsUnavailable, orUnknown, type RecordFinding, type RecordResult, type TxtLookup } from './dns-check.js';
import { checkDkim, dkimName, type DkimResult } from './dkim.js';
import { checkDmarc, invalid, type DmarcResult } from './dmarc.js';
import { domainOf, isAligned, organisationalDomain } from './domain-name.js';
import { checkSpf } from './spf.js';

/** SendGrid's automated security signs with one of two keys and changes between them. */
export const DEFAULT_SELECTORS: readonly string[] = ['s1', 's2'];
export const MAX_SELECTORS = 5;

export const SENDER_DOMAIN_STATUSES = ['unchecked', 'verified', 'unverified'] as const;
/** `verified`: mail in its name can pass SPF and DKIM. Says nothing about who owns the domain, and allows nothing by itself. */
export type SenderDomainStatus = (typeof SENDER_DOMAIN_STATUSES)[number];

export interface SenderDomainSettings {
  domain: string;
  dkimSelectors: readonly string[];
  /** What the SPF record must include; null if that is not known. */
  spfInclude: string | null;
}

/** What one look at the name servers has found. */
export interface SenderRecords {
  spf: RecordResult;
  dkim: DkimResult[];
  dmarc: DmarcResult;
}

export interface CheckedDomain extends SenderDomainSettings {
  status: SenderDomainStatus;
  checkedAt: Date | null;
  records: SenderRecords | null;
}

/** Look-ups one check can need at most: SPF 11, DKIM one for each selector, DMARC two. */
export const MAX_LOOKUPS = 11 + MAX_SELECTORS + 2;

/** Looks all records up. Name servers that do not answer make a result `unknown`; nothing is thrown. */
export async function checkRecords({ domain, dkimSelectors, spfInclude }: SenderDomainSettings, lookup: TxtLookup): Promise<SenderRecords> {
  const [spf, dmarc, ...dkim] = await Promise.all([
    orUnknown(
      domain,
      () => checkSpf(domain, lookup, spfInclude),
      (result) => result,
    ),
    orUnknown(`_dmarc.${domain}`, () => checkDmarc(domain, organisationalDomain(domain), lookup), invalid),
    ...dkimSelectors.map((selector) =>
      orUnknown<DkimResult>(
        dkimName(domain, selector),
        () => checkDkim(domain, selector, lookup),
        (result) => ({ ...result, selector }),
      ),
    ),
  ]);
  return { spf, dkim, dmarc };
}

/** One key is enough: the other selector may be meant for its successor. DMARC is wanted, but protects the domain, not this mail. */
export function verdict({ spf, dkim }: SenderRecords): SenderDomainStatus {
  return spf.status === 'ok' && dkim.some(({ status }) => status === 'ok') ? 'verified' : 'unverified';
}

export interface SenderAdvice {
  code: string;
  message: string;
}

const OLD_DAYS = 30;
const DAY_MS = 86_400_000;

/** What to say about a sender's address before a launch, given the tenant's domains. Advice only; nothing of it is a reason not to send. */
export function adviceFor(fromEmail: string, domains: readonly CheckedDomain[], now: Date): SenderAdvice[] {
  const from = domainOf(fromEmail);
  if (from === null) return [];
  const candidates = domains.filter(({ domain }) => isAligned(from, domain, false));
  const chosen = candidates.find(({ domain }) => domain === from) ?? candidates.find(isUsable) ?? candidates[0];
  if (!chosen) {
    const message = `${from} is not one of your sender domains, so nobody knows whether its mail passes SPF, DKIM and DMARC. Add it under /api/sender-domains.`;
    return [{ code: 'sender_not_aligned', message }];
  }
  if (chosen.records === null || chosen.checkedAt === null) {
    const message = `The sender domain ${chosen.domain} has not been checked yet: POST /api/sender-domains/…/check.`;
    return [{ code: 'sender_not_aligned', message }];
  }
  return [...alignmentAdvice(from, chosen), ...recordAdvice(chosen.records), ...ageAdvice(chosen, chosen.checkedAt, now)];
}

function isUsable({ status }: CheckedDomain): boolean {
  return status === 'verified';
}

function alignmentAdvice(from: string, { domain, status, records }: CheckedDomain): SenderAdvice[] {
  if (status !== 'verified') {
    const message = `The sender domain ${domain} is not verified: mail from ${from} may be refused or taken for spam. What is wrong follows.`;
    return [{ code: 'sender_not_aligned', message }];
  }
  if (isAligned(from, domain, records?.dmarc.strictDkim ?? false)) return [];
  const message = `DMARC of ${domain} is strict (adkim=s): a signature of ${domain} does not count for ${from}. Send from ${domain}, or add ${from}.`;
  return [{ code: 'sender_not_aligned', message }];
}

/** Without what could merely be better; a selector that is not published is no news while another one signs. */
function recordAdvice({ spf, dkim, dmarc }: SenderRecords): SenderAdvice[] {
  const signed = dkim.some(({ status }) => status === 'ok');
  const keys = dkim.filter(({ status }) => !signed || status !== 'missing');
  return [...worth('spf', spf.findings), ...keys.flatMap(({ findings }) => worth('dkim', findings)), ...worth('dmarc', dmarc.findings)];
}

function worth(kind: string, findings: readonly RecordFinding[]): SenderAdvice[] {
  return findings.filter(({ severity }) => severity !== 'info').map(({ code, message }) => ({ code: `${kind}_${code}`, message }));
}

function ageAdvice({ domain }: CheckedDomain, checkedAt: Date, now: Date): SenderAdvice[] {
  const days = Math.floor((now.getTime() - checkedAt.getTime()) / DAY_MS);
  if (days < OLD_DAYS) return [];
  return [{ code: 'sender_check_old', message: `The records of ${domain} were looked up ${days} days ago. Check them again.` }];
}

/**
 * A look-up with an end: no more than `MAX_LOOKUPS` names, and none after `signal` has fired. Names asked for twice are looked up once.
 */
export function bounded(lookup: TxtLookup, signal: AbortSignal): TxtLookup {
  const asked = new Map<string, Promise<string[]>>();
  const over = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new DnsUnavailable('it took too long')), { once: true });
  });
  over.catch(() => undefined);
  return (name) => {
    const known = asked.get(name);
    if (known) return known;
    if (signal.aborted) return Promise.reject(new DnsUnavailable('it took too long'));
    if (asked.size >= MAX_LOOKUPS) return Promise.reject(new DnsUnavailable('too many names'));
    const answer = Promise.race([lookup(name), over]);
    asked.set(name, answer);
    return answer;
  };
}
