import { setTimeout as delay } from 'node:timers/promises';
import type { Benchmark } from '../lib/benchmark.js';
import { simpleEmail } from '../lib/campaigns.js';
import { seedContacts } from '../lib/seed.js';
import { peakNodeRss, Stage } from '../lib/stage.js';
import { seconds } from '../lib/wait.js';

const ROUNDS = 3;
const PING_MS = 10;

interface Answer {
  audience: { sampled: number };
  steps: { entered: number; sent: number }[];
}

const days = (value: number) => ({ stepType: 'wait', waitDuration: { value, unit: 'days' } });
const tag = (ref: string, nextRef: string) => ({ ref, stepType: 'action', actionConfig: { type: 'add_tag', tag: ref }, nextRef });

/** Ten steps; everybody passes at least eight of them. */
const FLOW = [
  { ...simpleEmail, ref: 'first' },
  days(1),
  { stepType: 'condition', conditionRules: { type: 'email_opened', stepId: 'first' }, trueNextRef: 'reader', falseNextRef: 'sleeper' },
  tag('reader', 'second'),
  tag('sleeper', 'second'),
  { ...simpleEmail, ref: 'second' },
  { stepType: 'wait', waitDuration: { value: 3, unit: 'days' }, waitUntil: { timeOfDay: { from: '09:00', weekdays: [1, 2, 3, 4, 5] } } },
  {
    stepType: 'wait_for',
    conditionRules: { type: 'email_clicked', stepId: 'second' },
    waitDuration: { value: 5, unit: 'days' },
    trueNextRef: 'split',
    falseNextRef: 'split',
  },
  {
    ref: 'split',
    stepType: 'condition',
    splitConfig: {
      type: 'rules',
      branches: [{ name: 'Pro', rules: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' }, nextRef: 'last' }],
      elseNextRef: 'last',
    },
  },
  { ...simpleEmail, ref: 'last' },
];

/** How long the process kept others waiting, in milliseconds: the slowest answer of a route that does nothing. */
async function slowestPing(stage: Stage, isOver: () => boolean): Promise<number> {
  let slowest = 0;
  while (!isOver()) {
    const startedAt = performance.now();
    await (await fetch(new URL('/health/live', stage.api.baseUrl))).text();
    slowest = Math.max(slowest, performance.now() - startedAt);
    await delay(PING_MS);
  }
  return slowest;
}

export const simulate: Benchmark = {
  name: 'simulate',
  about: 'POST …/simulate over ten steps, everybody with different times and reactions',
  size: 10_000,
  run: (size, options) =>
    Stage.use({ options, workers: 0, prepare: ({ cluster, tenantId }) => seedContacts(cluster, tenantId, size) }, async (stage) => {
      await stage.cluster.sql.query(
        `UPDATE contacts SET timezone = (ARRAY['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Australia/Sydney', NULL])[1 + abs(hashtext(id::text)) % 5]`,
      );
      await stage.cluster.settle('contacts');
      const campaignId = await stage.api.campaign(
        { name: 'Tried out', campaignType: 'drip', segmentId: await stage.api.segment('All') },
        FLOW,
      );
      const took: number[] = [];
      let slowest = 0;
      const meter = stage.meter();
      for (let round = 0; round < ROUNDS; round++) {
        let isOver = false;
        const ping = slowestPing(stage, () => isOver);
        const body = {
          sample: size,
          seed: String(round),
          contacts: { limit: 500 },
          assumptions: { openRate: 0.5, clickRate: 0.2, replyRate: 0 },
        };
        took.push(
          await seconds(async () => {
            const answer = await stage.api.post<Answer>(`/api/campaigns/${campaignId}/simulate`, body);
            if (answer.audience.sampled !== size || answer.steps.at(-1)?.sent !== size) throw new Error(JSON.stringify(answer.steps));
          }),
        );
        isOver = true;
        slowest = Math.max(slowest, await ping);
      }
      const processes = meter.read();
      return {
        lines: [
          { what: 'one rehearsal, the slowest of three', unit: 's', ours: Math.max(...took), target: { atMost: 5 } },
          { what: 'one rehearsal, the fastest', unit: 's', ours: Math.min(...took) },
          { what: 'slowest answer to others meanwhile', unit: 'ms', ours: slowest },
          { what: 'peak memory of Node', unit: 'MB', ours: peakNodeRss(processes) },
        ],
        processes,
        notes: await stage.notes(),
      };
    }),
};
