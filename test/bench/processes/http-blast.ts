import { Pool } from 'undici';
import { serve } from '../../support/child.js';

interface Blast {
  port: number;
  connections: number;
  count: number;
  /** A request body as our product sent it, in base64. */
  sample: string;
}

/** The floor of deliver-sendgrid: undici over kept connections, one ready-made body a request. */
async function blast({ port, connections, count, sample }: Blast): Promise<{ seconds: number }> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
  const body = Buffer.from(sample, 'base64').toString('utf8');
  const headers = { 'content-type': 'application/json', authorization: 'Bearer SG.bench' };
  let next = 0;
  const one = async (): Promise<void> => {
    while (next++ < count) {
      const answer = await pool.request({ method: 'POST', path: '/v3/mail/send', headers, body });
      await answer.body.dump();
      if (answer.statusCode !== 202) throw new Error(`the double answered ${answer.statusCode}`);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return { seconds };
}

serve({ blast });
