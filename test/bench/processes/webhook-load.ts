import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { Pool } from 'undici';
import { serve } from '../../support/child.js';

interface Prepare {
  tenantId: string;
  emailIds: string[];
  /** Events in all, repetitions included. */
  count: number;
  /** PEM. */
  privateKey: string;
  urls: string[];
}

const EVENTS_PER_CALL = 500;
const REPEATED = 0.05;
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

let calls: { body: Buffer; signature: string; timestamp: string }[] = [];

/** SendGrid's calls, written and signed beforehand. Every message is delivered, opened and clicked; one event in twenty comes again, under a new id. */
function prepare({ tenantId, emailIds, count, privateKey, urls }: Prepare): { distinct: number; hits: number } {
  const key = createPrivateKey(privateKey);
  const seconds = Math.floor(Date.now() / 1000);
  const distinct = Math.round(count / (1 + REPEATED));
  const events = Array.from({ length: distinct }, (_, i) => {
    const nth = Math.floor(i / emailIds.length);
    const event = ['delivered', 'open', 'click'][nth % 3];
    // A message may be opened and clicked again; that is a new event in another second.
    const timestamp = seconds - 600 + Math.floor(nth / 3);
    const fields = {
      email: `all.${i}@mail.example`,
      timestamp,
      event,
      sg_event_id: randomUUID(),
      sg_message_id: `${randomUUID()}.recvd`,
      tenant_id: tenantId,
    };
    return {
      ...fields,
      email_id: emailIds[i % emailIds.length],
      useragent: AGENT,
      ip: '203.0.113.9',
      ...(event === 'click' ? { url: urls[i % urls.length] } : {}),
    };
  });
  const spacing = Math.floor(1 / REPEATED);
  const all = events.flatMap((event, i) =>
    i % spacing === 0 && i > 0 ? [event, { ...events[i - 1], sg_event_id: randomUUID() }] : [event],
  );
  const timestamp = String(seconds);
  calls = [];
  for (let at = 0; at < all.length; at += EVENTS_PER_CALL) {
    const body = Buffer.from(JSON.stringify(all.slice(at, at + EVENTS_PER_CALL)));
    calls.push({ body, timestamp, signature: sign('sha256', Buffer.concat([Buffer.from(timestamp), body]), key).toString('base64') });
  }
  return { distinct, hits: events.filter(({ event }) => event !== 'delivered').length };
}

/** Posts what was prepared; resolves when every call has been answered with 200. */
async function post({ port, parallel }: { port: number; parallel: number }): Promise<{ seconds: number; calls: number }> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: parallel, pipelining: 1 });
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < calls.length) {
      const { body, signature, timestamp } = calls[next++];
      const headers = {
        'content-type': 'application/json',
        'x-twilio-email-event-webhook-signature': signature,
        'x-twilio-email-event-webhook-timestamp': timestamp,
      };
      const answer = await pool.request({ method: 'POST', path: '/webhooks/sendgrid/events', headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`the webhook answered ${answer.statusCode}: ${text}`);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: parallel }, one));
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return { seconds, calls: calls.length };
}

serve({ prepare, post });
