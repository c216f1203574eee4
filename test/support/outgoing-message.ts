import type { OutgoingMessage } from '../../src/modules/mail/mail.types.js';

/** The `n`-th test message: to `r<n>@example.com`, with a UUIDv7-shaped id that encodes `n` (so that ids sort like `n`). */
export function outgoing(n: number, over: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const emailId = `019ab4c2-7a10-7000-8000-${n.toString(16).padStart(12, '0')}`;
  return {
    emailId,
    tenantId: '019ab4c2-0000-7000-8000-000000000001',
    campaignId: '019ab4c2-0000-7000-8000-0000000000c1',
    messageId: `<${emailId}@mail.example>`,
    from: { address: 'news@shop.example', name: 'The Shop' },
    to: { address: `r${n}@example.com`, name: `Recipient ${n}` },
    subject: `Message ${n}`,
    html: `<p>Hello ${n}</p>`,
    text: `Hello ${n}`,
    headers: { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
    ...over,
  };
}
