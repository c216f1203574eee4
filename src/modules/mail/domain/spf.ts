import { isIPv4, isIPv6 } from 'node:net';
import { judged, type RecordFinding, type RecordResult, type TxtLookup } from './dns-check.js';

/** RFC 7208 §4.6.4: terms that need a look-up. Beyond it receivers give up (permerror) and the record counts for nothing. */
const MAX_LOOKUPS = 10;
const LOOKUP_MECHANISMS = new Set(['include', 'a', 'mx', 'ptr', 'exists']);
const TERM = /^([+\-~?])?([A-Za-z][A-Za-z0-9._-]*)(?:([:=])(.*?))?(\/[\d/]+)?$/;
const SHOWN = 80;
/** A term is a word, a name of at most 253 characters and two prefixes; in longer ones the pattern would look for its end for seconds. */
const MAX_TERM = 500;

/**
 * Looks at the SPF record of a domain and all it includes, as RFC 7208 evaluates it in the worst case. `include`, if given, must be among what
 * it includes. At most eleven names are looked up. Rejects with `DnsUnavailable`.
 */
export async function checkSpf(domain: string, lookup: TxtLookup, include: string | null): Promise<RecordResult> {
  const walk = new SpfWalk(lookup);
  const published = spfRecords(await lookup(domain));
  const suggested = {
    type: 'TXT' as const,
    name: domain,
    value: `v=spf1 include:${include ?? 'sendgrid.net'} ~all`,
  };
  if (published.length === 0) {
    const hint = include === null ? ' (for SendGrid; other providers name another include)' : '';
    const message = `${domain} has no SPF record: it does not say who may send in its name. Publish one${hint}.`;
    return {
      status: 'missing',
      name: domain,
      value: null,
      findings: [{ severity: 'error', code: 'missing', message, publish: suggested }],
    };
  }
  if (published.length > 1) {
    const message = `${domain} has ${published.length} SPF records; receivers then use none (RFC 7208 §4.5). Merge them into one.`;
    return judged(domain, null, [{ severity: 'error', code: 'several_records', message }]);
  }
  await walk.visit(domain, published[0], []);
  if (include !== null && !walk.included.has(include) && include !== domain) {
    const message = `The SPF record of ${domain} does not let ${include} send. Add include:${include} before its "all".`;
    walk.report('error', 'include_missing', message, { ...suggested, value: withInclude(published[0], include) });
  }
  walk.sayWhatWasNotChecked(domain);
  return judged(domain, published[0], walk.findings);
}

function spfRecords(texts: string[]): string[] {
  return texts.filter((text) => /^v=spf1(?: |$)/i.test(text));
}

function withInclude(record: string, include: string): string {
  const terms = record.trim().split(/ +/);
  terms.splice(1, 0, `include:${include}`);
  return terms.join(' ');
}

class SpfWalk {
  readonly findings: RecordFinding[] = [];
  readonly included = new Set<string>();
  private lookups = 0;
  /** Terms that name servers by name: they count, but which servers that lets send is not looked up. */
  private readonly unresolved = new Set<string>();

  constructor(private readonly lookup: TxtLookup) {}

  report(severity: RecordFinding['severity'], code: string, message: string, publish?: RecordFinding['publish']): void {
    if (this.findings.some((known) => known.code === code && known.message === message)) return;
    this.findings.push({ severity, code, message, ...(publish ? { publish } : {}) });
  }

  sayWhatWasNotChecked(domain: string): void {
    if (this.unresolved.size === 0 || this.lookups > MAX_LOOKUPS) return;
    const terms = [...this.unresolved].join(', ');
    const message = `Which servers these terms of the SPF record of ${domain} let send was not checked: ${terms}. See to it that their names exist.`;
    this.report('info', 'not_checked', message);
  }

  /** `chain`: the names that led here. */
  async visit(domain: string, record: string, chain: string[]): Promise<void> {
    let redirect: string | null = null;
    let hasAll = false;
    for (const text of record.trim().split(/ +/).slice(1)) {
      const [, qualifier = '+', word = '', separator, value = ''] = (text.length <= MAX_TERM && TERM.exec(text)) || [];
      const name = word.toLowerCase();
      if (separator === '=') {
        if (name === 'redirect') redirect = value.toLowerCase();
      } else if (!isMechanism(name, separator, value, text)) {
        this.report('error', 'syntax', `The SPF record of ${domain} has a term that receivers do not understand: ${text.slice(0, SHOWN)}`);
      } else if (name === 'all') {
        hasAll = true;
        if (chain.length === 0) this.judgeAll(domain, qualifier);
        break; // RFC 7208 §5.1: what follows is ignored.
      } else await this.mechanism(domain, name, value.toLowerCase(), chain);
      if (this.lookups > MAX_LOOKUPS) return;
    }
    if (hasAll) return;
    if (redirect !== null) return this.follow(domain, redirect, chain, 'redirect');
    if (chain.length === 0) {
      this.report('warning', 'no_all', `The SPF record of ${domain} does not say what becomes of everybody else. End it with ~all.`);
    }
  }

  private judgeAll(domain: string, qualifier: string): void {
    if (qualifier === '+') {
      this.report('error', 'allows_everybody', `The SPF record of ${domain} ends in +all and lets everybody send. End it with ~all.`);
    } else if (qualifier === '?') {
      this.report('warning', 'neutral_all', `The SPF record of ${domain} ends in ?all, which says nothing. End it with ~all.`);
    }
  }

  private async mechanism(domain: string, name: string, value: string, chain: string[]): Promise<void> {
    if (!LOOKUP_MECHANISMS.has(name)) return;
    if (name === 'include') return this.follow(domain, value, chain, 'include');
    if (this.count(domain) && name !== 'ptr') this.unresolved.add((value === '' ? name : `${name}:${value}`).slice(0, SHOWN));
    if (name === 'ptr') this.report('warning', 'ptr', `The SPF record of ${domain} uses ptr, which receivers may ignore (RFC 7208 §5.5).`);
  }

  private async follow(from: string, target: string, chain: string[], term: 'include' | 'redirect'): Promise<void> {
    if (!this.count(from)) return;
    // A macro depends on the message: what it stands for cannot be looked up here.
    if (target.includes('%')) return;
    const path = [...chain, from];
    if (path.includes(target))
      return this.report('error', 'loop', `The SPF record of ${from} leads back to ${target}: it includes itself.`);
    this.included.add(target);
    const records = spfRecords(await this.lookup(target));
    if (records.length !== 1) {
      const what = records.length === 0 ? 'has no SPF record' : 'has several SPF records';
      const message = `The SPF record of ${from} has ${term}:${target}, but ${target} ${what}: receivers then reject the whole record.`;
      return this.report('error', 'broken_include', message.replace(`${term}:`, term === 'redirect' ? 'redirect=' : 'include:'));
    }
    await this.visit(target, records[0], path);
  }

  private count(domain: string): boolean {
    if (++this.lookups <= MAX_LOOKUPS) return true;
    const message = `SPF needs more than ${MAX_LOOKUPS} look-ups, found in ${domain}: receivers give up (RFC 7208 §4.6.4). Take includes out.`;
    if (!this.findings.some(({ code }) => code === 'too_many_lookups')) this.report('error', 'too_many_lookups', message);
    return false;
  }
}

function isMechanism(name: string, separator: string | undefined, value: string, text: string): boolean {
  const bare = separator === undefined;
  switch (name) {
    case 'all':
      return bare && !text.includes('/');
    case 'include':
    case 'exists':
      return !bare && value !== '';
    case 'a':
    case 'mx':
    case 'ptr':
      return bare || value !== '';
    case 'ip4':
    case 'ip6':
      return isNetwork(name, text);
    default:
      return false;
  }
}

function isNetwork(name: 'ip4' | 'ip6', text: string): boolean {
  const [address, prefix, ...rest] = text.slice(text.indexOf(':') + 1).split('/');
  const isRight = name === 'ip4' ? isIPv4(address) : isIPv6(address);
  const most = name === 'ip4' ? 32 : 128;
  return isRight && rest.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= most));
}
