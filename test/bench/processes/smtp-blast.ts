import { createTransport } from 'nodemailer';
import { serve } from '../../support/child.js';
import { partsOf } from '../lib/message.js';

interface Blast {
  port: number;
  connections: number;
  count: number;
  /** A message as our product sent it, in base64. */
  sample: string;
  /** Send the sample as it is, or let nodemailer build each message from HTML and text. */
  build: boolean;
}

const UNDERWAY = 64;

/** The floors of deliver-smtp: a nodemailer pool and nothing else. */
async function blast({ port, connections, count, sample, build }: Blast): Promise<{ seconds: number }> {
  const raw = Buffer.from(sample, 'base64');
  const { html, text } = build ? partsOf(raw) : { html: '', text: '' };
  const pool = createTransport({
    pool: true,
    host: '127.0.0.1',
    port,
    maxConnections: connections,
    maxMessages: 2_000,
    maxRequeues: 0,
    secure: false,
    ignoreTLS: true,
  });
  const messageFor = (i: number) => {
    const to = `all.${i}@mail.example`;
    if (!build) return { envelope: { from: 'news@shop.example', to }, raw };
    return { from: 'The Shop <news@shop.example>', to, subject: `Ada ${i}, your pro news`, html, text, messageId: `<${i}@shop.example>` };
  };
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await pool.sendMail(messageFor(next++));
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: Math.max(UNDERWAY, connections) }, one));
  const seconds = (performance.now() - start) / 1000;
  pool.close();
  return { seconds };
}

serve({ blast });
