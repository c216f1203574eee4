import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** An event as SendGrid posts it: its own fields, and the message's custom arguments beside them. */
export type SendGridEvent = { event: string; timestamp: number; email: string } & Record<string, unknown>;

/** A message as far as its events need it. */
export interface EventTarget {
  email: string;
  customArgs: Record<string, string>;
}

/** Signs calls as SendGrid's Event Webhook does, with a key pair of its own. */
export class SendGridSigner {
  private readonly privateKey: KeyObject;
  /** As SendGrid shows it: base64 of the DER form. */
  readonly publicKey: string;

  constructor() {
    const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.privateKey = pair.privateKey;
    this.publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  }

  headers(body: string | Buffer, at: Date): Record<string, string> {
    const timestamp = String(Math.floor(at.getTime() / 1000));
    return {
      'content-type': 'application/json',
      'x-twilio-email-event-webhook-timestamp': timestamp,
      'x-twilio-email-event-webhook-signature': this.sign(timestamp, body),
    };
  }

  sign(timestamp: string, body: string | Buffer): string {
    return createSign('sha256').update(timestamp).update(body).sign(this.privateKey, 'base64');
  }
}

export interface EmitOptions {
  url: string;
  signer: SendGridSigner;
  /** When the calls are signed, and from when on the events happen. */
  now: () => Date;
  /** SendGrid's names, in the order in which they happen, a second apart. */
  types: readonly string[];
  /** Events in one call. */
  batchSize?: number;
  /** Makes another order of them; whole seconds stay with their events. */
  shuffle?: boolean;
  /** So many of a hundred come a second time, under a new `sg_event_id`. */
  duplicatePercent?: number;
  /** Before each call. */
  delayMs?: number;
  /** For shuffling and doubling; the same seed gives the same. */
  seed?: number;
}

/** What would be posted about these messages, call by call. */
export function batchesFor(targets: readonly EventTarget[], options: Omit<EmitOptions, 'url' | 'signer' | 'delayMs'>): SendGridEvent[][] {
  const { types, batchSize = 500, shuffle = false, duplicatePercent = 0, seed = 1 } = options;
  const random = lehmer(seed);
  const first = Math.floor(options.now().getTime() / 1000);
  let events = targets.flatMap((target) => types.map((type, index) => eventOf(target, type, first + index)));
  events = events.flatMap((event) => (random() * 100 < duplicatePercent ? [event, { ...event, sg_event_id: newId() }] : [event]));
  if (shuffle) events = shuffled(events, random);
  return Array.from({ length: Math.ceil(events.length / batchSize) }, (_, i) => events.slice(i * batchSize, (i + 1) * batchSize));
}

/** Posts signed events about these messages; returns how many it posted. Fails if one call is not answered with 2xx. */
export async function emitEvents(targets: readonly EventTarget[], options: EmitOptions): Promise<number> {
  const batches = batchesFor(targets, options);
  for (const batch of batches) {
    if (options.delayMs) await delay(options.delayMs);
    const answer = await postEvents(options.url, options.signer, batch, options.now());
    if (!answer.ok) throw new Error(`POST ${options.url} answered ${answer.status}: ${await answer.text()}`);
  }
  return batches.flat().length;
}

export function postEvents(url: string, signer: SendGridSigner, batch: unknown, at: Date): Promise<Response> {
  const body = JSON.stringify(batch);
  return fetch(url, { method: 'POST', body, headers: signer.headers(body, at) });
}

/** In the shape of the provider's own documentation of each type. */
export function eventOf(target: EventTarget, type: string, timestamp: number, more: Record<string, unknown> = {}): SendGridEvent {
  const common = {
    email: target.email,
    timestamp,
    'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>',
    event: type,
    category: ['cat facts'],
    sg_event_id: newId(),
    sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0',
    ...target.customArgs,
  };
  return { ...common, ...DETAILS[type], ...more };
}

const AGENT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const DETAILS: Record<string, Record<string, unknown>> = {
  deferred: { response: '400 try again later', attempt: '5' },
  delivered: { response: '250 OK', tls: 1, ip: '168.1.1.1' },
  bounce: {
    reason: '550 5.1.1 The email account that you tried to reach does not exist.',
    status: '5.1.1',
    type: 'bounce',
    bounce_classification: 'Invalid Address',
  },
  dropped: { reason: 'Bounced Address', status: '5.0.0' },
  open: { useragent: AGENT, ip: '255.255.255.255', sg_machine_open: false, sg_content_type: 'html' },
  click: { useragent: AGENT, ip: '255.255.255.255', url: 'https://acme.example/offer', url_offset: { index: 0, type: 'html' } },
  group_unsubscribe: { useragent: AGENT, ip: '255.255.255.255', url: 'https://acme.example/', asm_group_id: 10 },
  group_resubscribe: { useragent: AGENT, ip: '255.255.255.255', url: 'https://acme.example/', asm_group_id: 10 },
};

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

function newId(): string {
  return randomBytes(16).toString('base64url');
}

/** Park and Miller's generator: small, and the same everywhere. */
function lehmer(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
