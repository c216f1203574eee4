import type { Benchmark } from '../lib/benchmark.js';
import { isEnrolled, nextWeek, simpleEmail } from '../lib/campaigns.js';
import { seedContacts } from '../lib/seed.js';
import { totalCpu } from '../lib/meter.js';
import { peakNodeRss, Stage } from '../lib/stage.js';
import { seconds, until } from '../lib/wait.js';

/** The floor: one statement for everybody, with the same indexes and constraints. The first round warms files and caches and is thrown away. */
async function floor(stage: Stage, campaignId: string): Promise<{ took: number; cpu: number }> {
  const { cluster, tenantId } = stage;
  const stepId = await cluster.value<string>('SELECT id FROM campaign_steps WHERE campaign_id = $1', [campaignId]);
  let took = 0;
  let cpu = 0;
  for (let round = 0; round < 2; round++) {
    await cluster.sql.query('TRUNCATE campaign_contacts CASCADE');
    await cluster.settle('campaign_contacts');
    const meter = stage.meter();
    took = await seconds(() =>
      cluster.sql.query(
        `INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, enrolled_at, next_email_scheduled_at)
         SELECT tenant_id, $2, id, 'enrolled', $3, now(), now() + interval '12 hours' FROM contacts WHERE tenant_id = $1`,
        [tenantId, campaignId, stepId],
      ),
    );
    cpu = totalCpu(meter.read());
  }
  await cluster.sql.query('TRUNCATE campaign_contacts CASCADE');
  return { took, cpu };
}

export const enrol: Benchmark = {
  name: 'enrol',
  about: 'launch → everybody enrolled (nobody due yet, so nothing else runs)',
  size: 1_000_000,
  run: (size, options) =>
    Stage.use({ options, prepare: ({ cluster, tenantId }) => seedContacts(cluster, tenantId, size) }, async (stage) => {
      const { api, cluster } = stage;
      const segmentId = await api.segment('Everybody');
      const campaignId = await api.campaign({ name: 'Spring', segmentId, sendStrategy: 'scheduled', startDate: nextWeek() }, [simpleEmail]);
      await cluster.settle('contacts');
      const floored = await floor(stage, campaignId);
      await cluster.settle('campaign_contacts');
      const meter = stage.meter();
      const ours = await seconds(async () => {
        await api.launch(campaignId);
        await until('the audience to be enrolled', isEnrolled(stage, campaignId));
      });
      const processes = meter.read();
      const enrolled = await cluster.value<number>('SELECT count(*)::int FROM campaign_contacts WHERE campaign_id = $1', [campaignId]);
      if (enrolled !== size) throw new Error(`${enrolled} of ${size} are enrolled`);
      return {
        lines: [
          { what: `${size.toLocaleString('en-US')} enrolled`, unit: 's', ours, floor: floored.took, target: { atMost: 1.6 } },
          { what: 'CPU of all processes', unit: 's', ours: totalCpu(processes), floor: floored.cpu },
          { what: 'peak memory of Node', unit: 'MB', ours: peakNodeRss(processes), target: { atMost: 250 } },
        ],
        processes,
        notes: await stage.notes(),
      };
    }),
};
