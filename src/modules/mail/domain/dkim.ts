import { createPublicKey, type KeyObject } from 'node:crypto';
import { judged, tagList, type RecordFinding, type RecordResult, type TxtLookup } from './dns-check.js';

export interface DkimResult extends RecordResult {
  selector: string;
}

/** RFC 8301 §3.2: receivers take no shorter keys, and signers should use longer ones. */
const MIN_RSA_BITS = 1024;
const GOOD_RSA_BITS = 2048;

export function dkimName(domain: string, selector: string): string {
  return `${selector}._domainkey.${domain}`;
}

/** Looks at the key of one selector (RFC 6376 §3.6.1, RFC 8301, RFC 8463). One look-up. Rejects with `DnsUnavailable`. */
export async function checkDkim(domain: string, selector: string, lookup: TxtLookup): Promise<DkimResult> {
  const name = dkimName(domain, selector);
  const texts = await lookup(name);
  if (texts.length === 0) {
    const message = `There is no DKIM key at ${name}. Publish the record (TXT or CNAME) that your mail provider shows for the selector ${selector}.`;
    return { selector, status: 'missing', name, value: null, findings: [{ severity: 'error', code: 'missing', message }] };
  }
  if (texts.length > 1) {
    const message = `There are ${texts.length} records at ${name}, so it is not certain which key receivers take. Leave one.`;
    return { selector, ...judged(name, null, [{ severity: 'error', code: 'several_records', message }]) };
  }
  return { selector, ...judged(name, texts[0], keyFindings(name, texts[0])) };
}

function keyFindings(name: string, record: string): RecordFinding[] {
  const tags = tagList(record);
  const version = tags?.get('v');
  const published = tags?.get('p');
  if (!tags || (version !== undefined && version !== 'DKIM1') || published === undefined) {
    return [
      error('syntax', `What is published at ${name} is not a DKIM key (v=DKIM1; k=rsa; p=…). Publish it as your mail provider shows it.`),
    ];
  }
  if (published === '') return [error('revoked', `The key at ${name} has been revoked (p is empty): mail signed with it fails.`)];
  const findings = strengthFindings(name, tags.get('k')?.toLowerCase() ?? 'rsa', published.replace(/\s+/g, ''));
  const flags = (tags.get('t') ?? '').split(':').map((flag) => flag.trim());
  if (flags.includes('y'))
    findings.push(warning('testing', `The key at ${name} is marked as a test (t=y): receivers may ignore it. Take t=y away.`));
  const hashes = tags.get('h');
  if (hashes !== undefined && !hashes.split(':').some((hash) => hash.trim().toLowerCase() === 'sha256')) {
    findings.push(error('hash', `The key at ${name} does not allow SHA-256 (h=${hashes.slice(0, 40)}), which every signer uses.`));
  }
  return findings;
}

function strengthFindings(name: string, kind: string, base64: string): RecordFinding[] {
  if (kind === 'ed25519') {
    const isKey = Buffer.from(base64, 'base64').length === 32;
    return isKey ? [] : [error('bad_key', `The Ed25519 key at ${name} is damaged. Publish it again.`)];
  }
  if (kind !== 'rsa')
    return [error('unknown_key_type', `The key at ${name} has the type ${kind.slice(0, 20)}; receivers know rsa and ed25519.`)];
  const bits = rsaKey(base64)?.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined)
    return [error('bad_key', `The key at ${name} cannot be read: it was probably cut while it was copied. Publish it again.`)];
  if (bits < MIN_RSA_BITS) return [error('weak_key', `The key at ${name} has ${bits} bits; receivers ignore keys below ${MIN_RSA_BITS}.`)];
  if (bits < GOOD_RSA_BITS) {
    return [{ severity: 'info', code: 'short_key', message: `The key at ${name} has ${bits} bits; ${GOOD_RSA_BITS} are recommended.` }];
  }
  return [];
}

/** RFC 6376 says RSAPublicKey, everybody publishes SubjectPublicKeyInfo (erratum 3017): both are taken. */
function rsaKey(base64: string): KeyObject | null {
  const key = Buffer.from(base64, 'base64');
  for (const type of ['spki', 'pkcs1'] as const) {
    try {
      const read = createPublicKey({ key, format: 'der', type });
      if (read.asymmetricKeyType === 'rsa') return read;
    } catch {
      // The other form, or no key at all.
    }
  }
  return null;
}

function error(code: string, message: string): RecordFinding {
  return { severity: 'error', code, message };
}

function warning(code: string, message: string): RecordFinding {
  return { severity: 'warning', code, message };
}
