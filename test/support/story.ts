import type { ApiClient } from './api-client.js';
import type { TestApp } from './test-app.js';
import { until } from './poll.js';

/** The usual first steps of a user story, over HTTP. */
export class Story {
  constructor(
    private readonly app: TestApp,
    readonly api: ApiClient,
    /** Sender of this story's campaigns: tells its messages from those of others at a shared sink. */
    readonly sender = 'news@acme.example',
  ) {}

  /** Imports contacts by CSV; `count` people named Person 1 … at example.com, unless rows are given. */
  async importContacts(rows: string[] | number, header = 'email,firstName,plan'): Promise<void> {
    const lines = Array.isArray(rows)
      ? rows
      : Array.from({ length: rows }, (_, i) => `person${i + 1}@example.com,Person ${i + 1},${i % 2 ? 'pro' : 'free'}`);
    const result = await this.api.must(
      200,
      this.api.post('/api/contacts/import', [header, ...lines].join('\n'), { 'content-type': 'text/csv' }),
    );
    if (result.rejected > 0) throw new Error(`import rejected rows: ${JSON.stringify(result.errors)}`);
  }

  async contactId(email: string): Promise<string> {
    const { data } = await this.api.must(200, this.api.get(`/api/contacts?email=${encodeURIComponent(email)}`));
    return data[0].id;
  }

  /** A dynamic segment; everybody by default. */
  async segment(rules: unknown = { all: [] }, name = 'Everybody'): Promise<string> {
    return (await this.api.must(201, this.api.post('/api/segments', { name, type: 'dynamic', rules }))).id;
  }

  async campaign(over: Record<string, unknown> = {}, steps: unknown[] = [emailStep()]): Promise<string> {
    const campaign = await this.api.must(
      201,
      this.api.post('/api/campaigns', {
        name: 'Spring news',
        campaignType: 'broadcast',
        segmentId: over.segmentId ?? (await this.segment()),
        fromEmail: this.sender,
        fromName: 'Acme News',
        ...over,
      }),
    );
    await this.api.must(200, this.api.put(`/api/campaigns/${campaign.id}/steps`, { steps }));
    return campaign.id;
  }

  launch(id: string): Promise<any> {
    return this.api.must(200, this.api.post(`/api/campaigns/${id}/launch`));
  }

  async get(id: string): Promise<any> {
    return (await this.api.must(200, this.api.get(`/api/campaigns/${id}`))).campaign;
  }

  ledger(id: string): Promise<any> {
    return this.api.must(200, this.api.get(`/api/campaigns/${id}/ledger`));
  }

  /** Waits until the campaign has this status, without moving the clock. */
  reaches(id: string, status: string, deadlineMs = 20_000): Promise<any> {
    let last: any;
    return until(async () => (last = await this.get(id)).status === status && last, {
      deadlineMs,
      what: `campaign to be ${status} (it is ${last?.status})`,
    });
  }

  /** Waits until nothing of the campaign can happen without the clock moving: nobody due, no mail on its way, all events applied. */
  async settles(id: string): Promise<void> {
    const { db, clock } = this.app;
    await until(
      () =>
        db.asSystem(async (tx) => {
          const [open] = await tx.query(
            `SELECT
               (SELECT count(*)::int FROM campaign_contacts WHERE campaign_id = $1 AND status IN ('enrolled', 'active') AND next_email_scheduled_at <= $2) AS due,
               (SELECT count(*)::int FROM emails WHERE campaign_id = $1 AND (status = 'sending' OR (status = 'queued' AND due_at <= $2))) AS mail,
               (SELECT count(*)::int FROM email_events WHERE applied_at IS NULL) + (SELECT count(*)::int FROM hit_batches) AS events,
               (SELECT count(*)::int FROM campaigns WHERE id = $1 AND launch_state = 'enrolling') AS enrolling`,
            [id, clock.now()],
          );
          return open.due + open.mail + open.events + open.enrolling === 0;
        }),
      { deadlineMs: 20_000, what: `campaign ${id} to settle` },
    );
  }
}

export const emailStep = (over: Record<string, unknown> = {}) => ({
  stepType: 'email',
  stepName: 'News',
  subjectLine: 'Hello {{ contact.first_name | default: "there" }}',
  contentFormat: 'html',
  emailContent:
    '<html><body><p>Hi {{ contact.first_name | default: "there" }}, you are on {{ contact.attributes.plan | default: "no plan" }}.</p><p><a href="https://acme.example/offer?x=1&amp;y=2">The offer</a></p></body></html>',
  ...over,
});

export const waitStep = (value: number, unit: string, over: Record<string, unknown> = {}) => ({
  stepType: 'wait',
  waitDuration: { value, unit },
  ...over,
});

/** The first link of a message whose address contains `part`. */
export function linkIn(html: string, part: string): string {
  const found = [...html.matchAll(/(?:href|src)="([^"]+)"/g)]
    .map(([, url]) => url.replaceAll('&amp;', '&'))
    .find((url) => url.includes(part));
  if (!found) throw new Error(`no link with ${part} in the message:\n${html}`);
  return found;
}
