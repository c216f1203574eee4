import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../config/index.js';
import { DemoApi, DemoError, mailbox, type MailboxItem } from './demo-api.js';

interface Campaign {
  id: string;
  status: string;
  enrollment: { state: string; enrolled: number; total: number | null };
}
interface Ledger {
  enrollments: Record<string, number>;
  emails: Record<string, number>;
}

const say = (text = ''): void => void process.stdout.write(`${text}\n`);
const asset = (name: string): Promise<string> => readFile(new URL(`./${name}`, import.meta.url), 'utf8');

async function connect(): Promise<DemoApi> {
  const config = loadConfig();
  const apiKey = await readFile(join(config.dataDir, 'api-key'), 'utf8').catch(() => {
    throw new DemoError(`There is no ${join(config.dataDir, 'api-key')}: start the server first (npm start), in the same folder.`);
  });
  const api = new DemoApi(config.publicUrl, apiKey.trim());
  await api.get('/api/me').catch((error: Error) => {
    throw error instanceof DemoError ? error : new DemoError(`Nothing answers at ${config.publicUrl}: start the server first (npm start).`);
  });
  return api;
}

async function prepare(api: DemoApi, run: string): Promise<{ campaignId: string; steps: { id: string; stepName: string }[] }> {
  const imported = await api.post<Record<string, number>>('/api/contacts/import', await asset('contacts.csv'), 'text/csv');
  say(
    `Contacts   ${imported.created} created, ${imported.updated} updated, ${imported.unchanged} unchanged, ${imported.rejected} rejected`,
  );
  const segment = await api.post<{ id: string }>('/api/segments', {
    name: `Demo readers ${run}`,
    type: 'dynamic',
    rules: { all: [{ type: 'contact_attribute', attribute: 'email', operator: 'ends_with', value: '@example.com' }] },
  });
  const template = await api.post<{ id: string }>('/api/templates', {
    name: `Demo welcome ${run}`,
    subjectLine: 'Welcome, {{ contact.first_name | default: "dear reader" }}',
    content: await asset('welcome.mjml'),
    contentFormat: 'mjml',
  });
  const campaign = await api.post<Campaign>('/api/campaigns', {
    name: `Demo welcome series ${run}`,
    campaignType: 'drip',
    segmentId: segment.id,
    fromEmail: 'hello@example.com',
    fromName: 'The Demo Team',
  });
  const { steps } = await api.put<{ steps: { id: string; stepName: string }[] }>(`/api/campaigns/${campaign.id}/steps`, {
    steps: flow(template.id),
  });
  say(`Campaign   ${campaign.id}: ${steps.map(({ stepName }) => stepName).join(' → ')}`);
  return { campaignId: campaign.id, steps };
}

const letter = (text: string) => `<html><body><p>Hi {{ contact.first_name | default: "there" }},</p><p>${text}</p></body></html>`;

function flow(templateId: string): unknown[] {
  return [
    { ref: 'welcome', stepName: 'Welcome', stepType: 'email', templateId },
    { ref: 'pause', stepName: 'One minute', stepType: 'wait', waitDuration: { value: 1, unit: 'minutes' } },
    {
      ref: 'opened',
      stepName: 'Opened?',
      stepType: 'condition',
      conditionRules: { type: 'email_opened' },
      trueNextRef: 'thanks',
      falseNextRef: 'reminder',
    },
    {
      ref: 'thanks',
      stepName: 'Next steps',
      stepType: 'email',
      subjectLine: 'Your next steps',
      contentFormat: 'html',
      emailContent: letter('Glad you had a look. <a href="https://example.com/next">Go on here.</a>'),
      nextRef: 'tag',
    },
    {
      ref: 'reminder',
      stepName: 'Reminder',
      stepType: 'email',
      subjectLine: 'Did you see our welcome?',
      contentFormat: 'html',
      emailContent: letter('In case you missed it: <a href="https://example.com/start">take the tour.</a>'),
      nextRef: 'tag',
    },
    { ref: 'tag', stepName: 'Tag', stepType: 'action', actionConfig: { type: 'add_tag', tag: 'welcomed' } },
  ];
}

/** Opens every third message and clicks in every ninth, as recipients would: over the addresses in their own messages. */
async function actAsRecipients(api: DemoApi, seen: Set<string>): Promise<{ opened: number; clicked: number }> {
  const fresh: MailboxItem[] = [];
  for await (const item of mailbox(api)) {
    if (seen.has(item.id)) break;
    fresh.push(item);
  }
  let opened = 0;
  let clicked = 0;
  for (const [i, item] of fresh.entries()) {
    seen.add(item.id);
    const click = item.links.find((link) => link.includes('/t/c/'));
    if (i % 3 === 0 && item.pixelUrl) opened += Number((await fetch(item.pixelUrl)).ok);
    if (i % 9 === 0 && click) clicked += Number((await fetch(click, { redirect: 'manual' })).status === 302);
  }
  return { opened, clicked };
}

async function watch(api: DemoApi, campaignId: string): Promise<void> {
  const seen = new Set<string>();
  const total = { opened: 0, clicked: 0 };
  let hasActed = false;
  for (let last = ''; ; await delay(1_000)) {
    const { campaign } = await api.get<{ campaign: Campaign }>(`/api/campaigns/${campaignId}`);
    const { enrollments, emails } = await api.get<Ledger>(`/api/campaigns/${campaignId}/ledger`);
    const line =
      `${campaign.status.padEnd(9)}  enrolled ${enrollments.enrolled}  on the way ${enrollments.inProgress}  done ${enrollments.completed}` +
      `  |  sent ${emails.sent} of ${emails.planned}  opened ${total.opened}  clicked ${total.clicked}`;
    if (line !== last) say(line);
    last = line;
    if (campaign.status !== 'active') return;
    // Once the first round is out, people read it; the second round is theirs alone.
    if (!hasActed && emails.planned > 0 && emails.sent === emails.planned && enrollments.enrolled === emails.planned) {
      hasActed = true;
      // A click within five seconds of the message looks like a scanner's and is counted as one.
      await delay(6_000);
      const acted = await actAsRecipients(api, seen);
      total.opened += acted.opened;
      total.clicked += acted.clicked;
    }
  }
}

async function summary(api: DemoApi, campaignId: string): Promise<void> {
  const { totals, byStep } = await api.get<{ totals: Record<string, number | null>; byStep: Record<string, number | string>[] }>(
    `/api/campaigns/${campaignId}/analytics`,
  );
  say();
  say(`Sent ${totals.emailsSent}, opened by ${totals.uniqueOpens}, clicked by ${totals.uniqueClicks}`);
  for (const step of byStep.filter(({ stepType }) => stepType === 'email'))
    say(`  ${String(step.stepName).padEnd(12)} ${step.emailsSent} sent`);
  say();
  say(`Mailbox    ${api.baseUrl}/mailbox`);
  say(`Analytics  ${api.baseUrl}/api/campaigns/${campaignId}/analytics  (with the key as bearer token)`);
  say(`API        ${api.baseUrl}/docs`);
}

/** `npm run demo`: a whole drip campaign against the running server, only through its API. Can be run again and again. */
async function main(): Promise<void> {
  const api = await connect();
  const run = new Date().toISOString().slice(0, 19).replace('T', ' ');
  const { campaignId } = await prepare(api, run);
  const preflight = await api.get<{ ready: boolean; errors: { message: string }[]; warnings: { message: string }[] }>(
    `/api/campaigns/${campaignId}/preflight`,
  );
  say(`Preflight  ${preflight.ready ? 'ready to launch' : 'not ready'}`);
  for (const { message } of [...preflight.errors, ...preflight.warnings]) say(`           - ${message}`);
  await api.post(`/api/campaigns/${campaignId}/launch`);
  say('Launched. The wait in the middle takes a minute.');
  await watch(api, campaignId);
  await summary(api, campaignId);
}

main().catch((error: Error) => {
  process.stderr.write(`${error instanceof DemoError ? error.message : error.stack}\n`);
  process.exitCode = 1;
});
