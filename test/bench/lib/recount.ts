import type { Api } from './api.js';
import type { Cluster } from './cluster.js';
import { ZONES } from './history.js';

/** What a number of a report counts: the first time something happened to a message, or every time. */
const FIRST = {
  emailsDelivered: `type <> 'bounced'`,
  emailsBounced: `type = 'bounced'`,
  uniqueOpens: `type = 'opened' AND NOT is_machine`,
  uniqueClicks: `type = 'clicked' AND NOT is_machine`,
  anyOpens: `type = 'opened'`,
  anyClicks: `type = 'clicked'`,
  replies: `type = 'replied'`,
  spamComplaints: `type = 'complained'`,
  unsubscribes: `type = 'unsubscribed'`,
};
const EVERY = {
  totalOpens: `type = 'opened' AND NOT is_machine`,
  machineOpens: `type = 'opened' AND is_machine`,
  totalClicks: `type = 'clicked' AND NOT is_machine`,
  machineClicks: `type = 'clicked' AND is_machine`,
};
const BOUNCES = ['bouncesHard', 'bouncesBlocked', 'bouncesSoft'];
const NAMES = ['emailsSent', ...Object.keys(FIRST), ...Object.keys(EVERY), ...BOUNCES];
/** As the days of the specification have them. */
const STORED = ['emails_sent', 'emails_delivered', 'emails_bounced', 'unique_opens', 'total_opens', 'unique_clicks', 'total_clicks', 'replies', 'spam_complaints', 'unsubscribes']; // prettier-ignore
const WHOLE_HISTORY = 'startDate=2026-02-01&endDate=2026-06-01';

type Numbers = Record<string, number>;
export interface Subject {
  campaignId: string;
  change: Date;
}
/** By campaign, and in each by key. What is 0 may be missing. */
type Numbered = Map<string, Map<string, Numbers>>;
interface Report {
  overall: (Numbers & { date: string; startsAt: string })[];
  byStep: (Numbers & { stepId: string })[];
  totals: Numbers;
}
interface Cell extends Numbers {
  weekday: number;
  hour: number;
}

/**
 * Every number again, from the history and nothing else: one row for each thing that happened, and a `GROUP BY`. Shares no code with the product,
 * and reads none of its tables.
 */
export class Recount {
  compared = 0;
  readonly wrong: string[] = [];

  private constructor(
    private readonly cluster: Cluster,
    private readonly api: Api,
    readonly subjects: Subject[],
  ) {}

  static async of(cluster: Cluster, api: Api): Promise<Recount> {
    const first = (name: string, which: string, what = `'${name}'`) =>
      `SELECT campaign_id, step_id, sent_at, ${what} AS what, min(at) AS at FROM bench.history WHERE ${which} GROUP BY email_id, campaign_id, step_id, sent_at`;
    const every = (name: string, which: string) => `SELECT campaign_id, step_id, sent_at, '${name}', at FROM bench.history WHERE ${which}`;
    const worst = `CASE WHEN bool_or(class = 'hard') THEN 'bouncesHard' WHEN bool_or(class = 'block') THEN 'bouncesBlocked' ELSE 'bouncesSoft' END`;
    await cluster.sql.query(
      `CREATE TABLE bench.facts AS
       SELECT campaign_id, step_id, sent_at, 'emailsSent' AS what, sent_at AS at FROM bench.mail m
        WHERE NOT is_under_way OR EXISTS (SELECT FROM bench.history h WHERE h.email_id = m.email_id)
        UNION ALL ${[
          ...Object.entries(FIRST).map(([name, which]) => first(name, which)),
          first('', FIRST.emailsBounced, worst),
          ...Object.entries(EVERY).map(([name, which]) => every(name, which)),
        ].join(' UNION ALL ')}`,
    );
    await cluster.sql.query('ANALYZE bench.facts');
    const { rows } = await cluster.sql.query<Subject>('SELECT campaign_id AS "campaignId", change FROM bench.subjects ORDER BY place');
    return new Recount(cluster, api, rows);
  }

  /** Days whose row is not what the history says, or is missing, or should not be. */
  async wrongDays(): Promise<number> {
    const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    const counts = STORED.map((name) => `count(*) FILTER (WHERE what = '${camel(name)}')::int`).join(', ');
    const naive = `SELECT campaign_id, (at AT TIME ZONE timezone)::date AS date, ${counts} FROM bench.facts JOIN bench.subjects USING (campaign_id)
      WHERE what IN (${STORED.map((name) => `'${camel(name)}'`).join(', ')}) GROUP BY 1, 2`;
    return this.cluster.value<number>(
      `WITH naive AS (${naive}), stored AS (SELECT campaign_id, date, ${STORED.join(', ')} FROM campaign_analytics)
       SELECT count(DISTINCT (campaign_id, date))::int FROM ((TABLE naive EXCEPT TABLE stored) UNION ALL (TABLE stored EXCEPT TABLE naive)) differs`,
    );
  }

  /** Asks the API for everything of every campaign: in each zone by day, week and hour, by when it happened and by when the message was sent. */
  async compareReports(): Promise<void> {
    for (const { timezone } of ZONES) {
      for (const cohort of ['event', 'send']) {
        for (const granularity of ['day', 'week', 'hour']) await this.compareSeries(timezone, cohort, granularity);
        await this.compareHours(timezone, cohort);
      }
    }
    await this.compareSteps();
    await this.compareLinks();
    await this.compareComparison();
  }

  private async compareSeries(timezone: string, cohort: string, granularity: string): Promise<void> {
    const local = `(${cohort === 'event' ? 'at' : 'sent_at'} AT TIME ZONE '${timezone}')`;
    const instant = cohort === 'event' ? 'at' : 'sent_at';
    const hour = `(${instant} - (${local} - date_trunc('hour', ${local})))`;
    // An hour that begins with a change of the clocks by half an hour: by the clock it would have begun before the change.
    const begun = `CASE WHEN ${hour} AT TIME ZONE '${timezone}' = date_trunc('hour', ${local}) THEN ${hour} ELSE ${hour} + interval '30 minutes' END`;
    const key = {
      day: `to_char(${local}, 'YYYY-MM-DD')`,
      week: `to_char(${local} - (extract(isodow FROM ${local})::int - 1) * interval '1 day', 'YYYY-MM-DD')`,
      hour: `to_char((${begun}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`,
    }[granularity]!;
    const naive = await this.naive(key);
    for (const { campaignId, change } of this.subjects) {
      const day = (offset: number) => new Date(change.getTime() + offset * 86_400_000).toISOString().slice(0, 10);
      const range = granularity === 'hour' ? `startDate=${day(-12)}&endDate=${day(18)}` : WHOLE_HISTORY;
      const path = `/api/campaigns/${campaignId}/analytics?${range}&timezone=${timezone}&cohort=${cohort}&granularity=${granularity}`;
      const { overall, totals } = await this.api.get<Report>(path);
      const expected = naive.get(campaignId)!;
      this.compare(
        path,
        NAMES,
        byKey(overall, (row) => (granularity === 'hour' ? row.startsAt : row.date)),
        expected,
      );
      this.compare(`${path} totals`, NAMES, new Map([['', totals]]), new Map([['', sum(expected.values())]]));
    }
  }

  private async compareHours(timezone: string, cohort: string): Promise<void> {
    const local = `(${cohort === 'event' ? 'at' : 'sent_at'} AT TIME ZONE '${timezone}')`;
    const naive = await this.naive(`extract(isodow FROM ${local}) || ' ' || extract(hour FROM ${local})`);
    for (const { campaignId } of this.subjects) {
      const path = `/api/campaigns/${campaignId}/analytics/hours?${WHOLE_HISTORY}&timezone=${timezone}&cohort=${cohort}`;
      const { hours } = await this.api.get<{ hours: Cell[] }>(path);
      const names = ['emailsSent', 'emailsDelivered', 'uniqueOpens', 'uniqueClicks'];
      this.compare(
        path,
        names,
        byKey(hours, ({ weekday, hour }) => `${weekday} ${hour}`),
        naive.get(campaignId)!,
      );
    }
  }

  private async compareSteps(): Promise<void> {
    const naive = await this.naive('step_id::text');
    const same = NAMES.filter((name) => !['emailsBounced', 'totalOpens', 'totalClicks', 'anyOpens', 'anyClicks'].includes(name));
    for (const { campaignId } of this.subjects) {
      const path = `/api/campaigns/${campaignId}/analytics`;
      const { byStep } = await this.api.get<Report>(path);
      const expected = [...naive.get(campaignId)!].map(([key, counts]): [string, Numbers] => [
        key,
        { ...counts, opens: counts.totalOpens, clicks: counts.totalClicks, bounces: counts.emailsBounced },
      ]);
      this.compare(
        path,
        [...same, 'opens', 'clicks', 'bounces'],
        byKey(byStep, ({ stepId }) => stepId),
        new Map(expected),
      );
    }
  }

  private async compareLinks(): Promise<void> {
    const names = ['humanClicks', 'machineClicks', 'uniqueClicks', 'people'];
    const naive = await this.byCampaign(
      `SELECT campaign_id, url || ' ' || step_id AS key,
              jsonb_build_object('humanClicks', count(*) FILTER (WHERE NOT is_machine), 'machineClicks', count(*) FILTER (WHERE is_machine),
                'uniqueClicks', count(DISTINCT email_id) FILTER (WHERE NOT is_machine), 'people', count(DISTINCT contact_id) FILTER (WHERE NOT is_machine)) AS numbers
         FROM bench.history WHERE type = 'clicked' GROUP BY 1, 2`,
    );
    for (const { campaignId } of this.subjects) {
      const path = `/api/campaigns/${campaignId}/analytics/links?limit=100`;
      const { data } = await this.api.get<{ data: (Numbers & { url: string; stepId: string })[] }>(path);
      this.compare(
        path,
        names,
        byKey(data, ({ url, stepId }) => `${url} ${stepId}`),
        naive.get(campaignId) ?? new Map<string, Numbers>(),
      );
    }
  }

  private async compareComparison(): Promise<void> {
    const naive = await this.naive(`''`);
    for (let from = 0; from < this.subjects.length; from += 10) {
      const ids = this.subjects.slice(from, from + 10).map(({ campaignId }) => campaignId);
      const path = `/api/analytics/compare?campaignIds=${ids.join(',')}`;
      const { campaigns } = await this.api.get<{ campaigns: { campaignId: string; totals: Numbers }[] }>(path);
      for (const { campaignId, totals } of campaigns) this.compare(path, NAMES, new Map([['', totals]]), naive.get(campaignId)!);
    }
  }

  private naive(key: string): Promise<Numbered> {
    return this.byCampaign(
      `SELECT campaign_id, key, jsonb_object_agg(what, n) AS numbers
         FROM (SELECT campaign_id, ${key} AS key, what, count(*) AS n FROM bench.facts GROUP BY 1, 2, 3) counted GROUP BY 1, 2`,
    );
  }

  private async byCampaign(query: string): Promise<Numbered> {
    const { rows } = await this.cluster.sql.query<{ campaign_id: string; key: string; numbers: Numbers }>(query);
    const found: Numbered = new Map();
    for (const row of rows)
      found.set(row.campaign_id, (found.get(row.campaign_id) ?? new Map<string, Numbers>()).set(row.key, row.numbers));
    return found;
  }

  /** A row that is missing on one side says zeros. */
  private compare(where: string, names: string[], answered: Map<string, Numbers>, expected: Map<string, Numbers>): void {
    for (const key of new Set([...answered.keys(), ...expected.keys()])) {
      for (const name of names) {
        const [is, should] = [answered.get(key)?.[name] ?? 0, expected.get(key)?.[name] ?? 0];
        this.compared++;
        if (is !== should) this.wrong.push(`${where}: ${name} ${key} is ${is} and should be ${should}`);
      }
    }
  }
}

const byKey = <T extends Numbers>(rows: T[], key: (row: T) => string): Map<string, Numbers> => new Map(rows.map((row) => [key(row), row]));

function sum(all: Iterable<Numbers>): Numbers {
  const total: Numbers = {};
  for (const one of all) for (const name of NAMES) total[name] = (total[name] ?? 0) + (one[name] ?? 0);
  return total;
}
