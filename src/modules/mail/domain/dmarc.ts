import { judged, tagList, type RecordFinding, type RecordResult, type TxtLookup } from './dns-check.js';

export const DMARC_POLICIES = ['none', 'quarantine', 'reject'] as const;
export type DmarcPolicy = (typeof DMARC_POLICIES)[number];

export interface DmarcResult extends RecordResult {
  /** What receivers are asked to do with mail of this domain that fails; null without a valid record. */
  policy: DmarcPolicy | null;
  /** Only the very same domain counts as aligned (`adkim=s`). */
  strictDkim: boolean;
}

/**
 * Finds the DMARC record that counts for a domain: its own, or else its organisation's (RFC 7489 §6.6.3), whose `sp` then comes first. At most
 * two look-ups. Rejects with `DnsUnavailable`.
 */
export async function checkDmarc(domain: string, organisation: string | null, lookup: TxtLookup): Promise<DmarcResult> {
  const own = `_dmarc.${domain}`;
  const candidates = [own, ...(organisation !== null && organisation !== domain ? [`_dmarc.${organisation}`] : [])];
  for (const name of candidates) {
    const records = (await lookup(name)).filter((text) => /^\s*v\s*=\s*DMARC1\s*(?:;|$)/.test(text));
    if (records.length === 1) return ofRecord(name, records[0], name !== own);
    if (records.length > 1) {
      const message = `There are ${records.length} DMARC records at ${name}; receivers then use none. Leave one.`;
      return invalid(judged(name, null, [{ severity: 'error', code: 'several_records', message }]));
    }
  }
  const message = `${domain} has no DMARC record. Large receivers (Gmail, Yahoo) want one of everybody who sends much. Publish at least p=none.`;
  const publish = { type: 'TXT' as const, name: own, value: `v=DMARC1; p=none; rua=mailto:dmarc-reports@${domain}` };
  return invalid({ status: 'missing', name: own, value: null, findings: [{ severity: 'error', code: 'missing', message, publish }] });
}

function ofRecord(name: string, record: string, isInherited: boolean): DmarcResult {
  const tags = tagList(record);
  const asked = (isInherited ? (tags?.get('sp') ?? tags?.get('p')) : tags?.get('p'))?.toLowerCase();
  const policy = DMARC_POLICIES.find((known) => known === asked) ?? null;
  const findings: RecordFinding[] = [];
  if (tags === null) {
    findings.push({
      severity: 'error',
      code: 'syntax',
      message: `The DMARC record at ${name} cannot be read: it is not a list of tag=value;.`,
    });
  } else if (policy === null) {
    const message = `The DMARC record at ${name} asks for no known policy; write p=none, p=quarantine or p=reject right after v=DMARC1.`;
    findings.push({ severity: 'error', code: 'no_policy', message });
  } else {
    findings.push(...policyFindings(name, policy, tags));
  }
  return { ...judged(name, record, findings), policy, strictDkim: tags?.get('adkim')?.toLowerCase() === 's' };
}

function policyFindings(name: string, policy: DmarcPolicy, tags: Map<string, string>): RecordFinding[] {
  const findings: RecordFinding[] = [];
  if (policy === 'none') {
    const message = `The DMARC policy at ${name} is none: forged mail is only reported. Move on to quarantine when the reports are clean.`;
    findings.push({ severity: 'info', code: 'policy_none', message });
  }
  const percent = tags.get('pct');
  if (percent !== undefined && !(/^\d{1,3}$/.test(percent) && Number(percent) <= 100)) {
    findings.push({
      severity: 'warning',
      code: 'bad_percentage',
      message: `The DMARC record at ${name} has pct=${percent.slice(0, 10)}; it goes from 0 to 100.`,
    });
  }
  if (!tags.has('rua')) {
    findings.push({
      severity: 'info',
      code: 'no_reports',
      message: `The DMARC record at ${name} asks for no reports. Add rua=mailto:… to hear who sends in your name.`,
    });
  }
  return findings;
}

/** For a result without a valid record. */
export function invalid(result: RecordResult): DmarcResult {
  return { ...result, policy: null, strictDkim: false };
}
