import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from '../../support/child.js';
import { freePort } from '../../support/ports.js';
import { Api } from './api.js';
import type { FaultOptions } from './options.js';
import { type FaultPostgres, Watcher } from './postgres.js';
import { Fleet, runCli, type Running, type StartOptions } from './product.js';
import { type Seeded } from './random.js';
import { SMTP_LOGIN } from './smtp-login.js';
import { commonEnv, type Template } from './template.js';
import { type Accepted, readTruth } from './truth.js';
import { startProcess } from './processes.js';
import { until } from './wait.js';

/** What all scenarios share. */
export interface Ground {
  options: FaultOptions;
  postgres: FaultPostgres;
  template: Template;
  workDir: string;
  /** The product under test: the production build. */
  dist: string;
}

export interface StageSettings {
  name: string;
  mail?: 'smtp' | 'sendgrid' | 'none';
  env?: Record<string, string>;
  /** What the product connects to instead of the double itself (a proxy). */
  mailPort?: number;
  /** A double that already runs and writes to this scenario's file; it is not stopped. */
  double?: Child;
  /** How much of the audience takes part; all by default. */
  share?: number;
  /** Takes the whole audience of `--full`; the others stay as they are, because more of the same would show nothing new. */
  hasFullSize?: boolean;
}

/** A line has less than 250 bytes, and more than 2,000 messages a second are not to be expected here. */
const LATELY_BYTES = 8 * 1024 * 1024;

/** Contacts in a scenario without a full size, when the others have theirs. */
export const ORDINARY_SIZE = 2_000;

/** 300,000 messages go out at a few hundred a second while workers die. */
const FULL_LIMIT_MS = 40 * 60_000;
const LIMIT_MS = 10 * 60_000;

/** Names the three messages that every contact of a campaign gets; stands in each subject, so that the double's file tells them apart. */
export const EMAIL_STEPS = 3;

/** A fresh copy of the database, a provider's double, and processes of the product, for one scenario. */
export class Stage {
  readonly dir: string;
  readonly truthFile: string;
  readonly facts: string[] = [];
  api!: Api;
  fleet!: Fleet;
  double!: Child;
  sql!: Watcher;
  private readonly database: string;
  private readonly campaigns: string[] = [];
  private serial = 0;

  constructor(
    readonly ground: Ground,
    readonly settings: StageSettings,
    readonly random: Seeded,
  ) {
    this.database = `f_${settings.name.replaceAll('-', '_')}`;
    this.dir = join(ground.workDir, settings.name);
    this.truthFile = join(this.dir, 'accepted.jsonl');
  }

  get contacts(): number {
    const { contacts } = this.ground.template;
    const { hasFullSize = false, share = 1 } = this.settings;
    const isSmall = this.ground.options.isFull && !hasFullSize;
    return Math.floor((isSmall ? Math.min(contacts, ORDINARY_SIZE) : contacts) * share);
  }

  /** At the size of `--full`. */
  get isFull(): boolean {
    return this.ground.options.isFull && this.settings.hasFullSize === true;
  }

  /** All messages of a campaign. */
  get messages(): number {
    return this.contacts * EMAIL_STEPS;
  }

  /** The longest that a campaign of this size may take. */
  get limitMs(): number {
    return this.isFull ? FULL_LIMIT_MS : LIMIT_MS;
  }

  get databaseName(): string {
    return this.database;
  }

  get databaseEnv(): Record<string, string> {
    return this.ground.postgres.env(this.database);
  }

  get adminUrl(): string {
    return this.ground.postgres.adminUrl(this.database);
  }

  get launched(): readonly string[] {
    return this.campaigns;
  }

  /** The copy, the double and an API process. */
  async open(): Promise<void> {
    const { ground, settings } = this;
    mkdirSync(this.dir, { recursive: true });
    await ground.postgres.dropDatabase(this.database);
    await ground.postgres.createDatabase(this.database, ground.template.name);
    this.sql = new Watcher(this.adminUrl);
    if (this.contacts < ground.template.contacts)
      await this.sql.rows('DELETE FROM contacts WHERE id IN (SELECT id FROM contacts ORDER BY id OFFSET $1)', [this.contacts]);
    const port = await freePort();
    this.fleet = new Fleet({
      dir: this.dir,
      dist: ground.dist,
      verbose: ground.options.verbose,
      env: {
        ...commonEnv(this.databaseEnv, this.dir),
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        ...QUICK,
        ...(await this.mailEnv()),
        ...settings.env,
      },
    });
    const api = await this.fleet.start('api', { roles: 'api', env: { PORT: String(port) } });
    this.api = new Api(api.url, ground.template.apiKey);
  }

  async close(): Promise<void> {
    await this.fleet?.stop();
    if (!this.settings.double) await this.double?.stop();
    await this.sql?.end();
    await this.ground.postgres.dropDatabase(this.database).catch(() => undefined);
  }

  worker(options: Partial<StartOptions> = {}): Promise<Running> {
    return this.fleet.start(`worker${++this.serial}`, { roles: 'worker', ...options });
  }

  /** Without waiting until it works. */
  launchWorker(options: Partial<StartOptions> = {}): Promise<Running> {
    return this.fleet.launch(`worker${++this.serial}`, { roles: 'worker', ...options });
  }

  /** Three messages to everybody, with an action and a condition in between, so that every kind of step is crossed. */
  async campaign(over: Record<string, unknown> = {}): Promise<string> {
    const tag = `${this.settings.name}-${this.campaigns.length + 1}`;
    const { id } = await this.api.post<{ id: string }>('/api/campaigns', {
      name: tag,
      campaignType: 'drip',
      segmentId: this.ground.template.segmentId,
      fromEmail: 'news@faults.example',
      fromName: 'Faults',
      ...over,
    });
    await this.api.put(`/api/campaigns/${id}/steps`, { steps: flow(tag) });
    this.campaigns.push(id);
    return id;
  }

  async launch(campaignId: string): Promise<void> {
    await this.api.post(`/api/campaigns/${campaignId}/launch`);
  }

  async statusOf(campaignId: string): Promise<string> {
    return this.sql.value<string>('SELECT status FROM campaigns WHERE id = $1', [campaignId]);
  }

  truth(): Accepted[] {
    return readTruth(this.truthFile);
  }

  /** Of the last ten seconds or more. */
  lately(): Accepted[] {
    return readTruth(this.truthFile, LATELY_BYTES);
  }

  accepted(): Promise<number> {
    return this.double.call<number>('accepted');
  }

  async acceptedReaches(count: number, deadlineMs = 120_000): Promise<void> {
    await until(`${count} messages to be accepted`, async () => (await this.accepted()) >= count, {
      deadlineMs,
      state: () => this.state(),
    });
  }

  /** Until the campaign has completed by itself. */
  async completes(campaignId: string, deadlineMs = 180_000): Promise<void> {
    await until('the campaign to complete', async () => (await this.statusOf(campaignId)) === 'completed', {
      deadlineMs,
      everyMs: 100,
      state: () => this.state(),
    });
  }

  /** The check that operators have, as they run it. */
  async operatorsCheck(): Promise<void> {
    const { code, stdout, stderr } = await runCli(this.ground.dist, commonEnv(this.databaseEnv, this.dir), ['ledger:check']);
    if (code !== 0) throw new Error(`ledger:check ended with code ${code}:\n${stdout}${stderr}`);
  }

  async state(): Promise<unknown> {
    return {
      campaigns: await this.sql.rows('SELECT status, launch_state AS launch, count(*)::int AS n FROM campaigns GROUP BY 1, 2'),
      enrollments: await this.sql.rows('SELECT status, count(*)::int AS n FROM campaign_contacts GROUP BY 1 ORDER BY 1'),
      emails: await this.sql.rows('SELECT status, reason, count(*)::int AS n FROM emails GROUP BY 1, 2 ORDER BY 1, 2'),
    };
  }

  /** For the report. */
  note(fact: string): void {
    this.facts.push(fact);
  }

  private async mailEnv(): Promise<Record<string, string>> {
    const { mail = 'smtp', mailPort } = this.settings;
    if (mail === 'none') return { MAIL_PROVIDER: 'null' };
    this.double = this.settings.double ?? (await startProcess(mail, [this.truthFile]));
    if (mail === 'smtp') {
      const port = mailPort ?? (await this.double.call<number>('port'));
      return { MAIL_PROVIDER: 'smtp', SMTP_URL: `smtp://${SMTP_LOGIN.user}:${SMTP_LOGIN.pass}@127.0.0.1:${port}` };
    }
    const url = mailPort ? `http://127.0.0.1:${mailPort}` : await this.double.call<string>('url');
    return { MAIL_PROVIDER: 'sendgrid', SENDGRID_API_KEY: await this.double.call<string>('apiKey'), SENDGRID_BASE_URL: url };
  }
}

/** Smaller batches meet more faults; shorter patience lets a run see the end of what it waits for. */
const QUICK = {
  ENROLL_CHUNK: '250',
  ADVANCE_BATCH: '250',
  SEND_TIMEOUT_SECONDS: '5',
  SEND_LEASE_SECONDS: '5',
  UNKNOWN_GRACE_SECONDS: '2',
};

function flow(tag: string): unknown[] {
  const email = (n: number, over: Record<string, unknown> = {}) => ({
    ref: `email${n}`,
    stepType: 'email',
    stepName: `Email ${n}`,
    subjectLine: `${tag} ${n}`,
    contentFormat: 'html',
    emailContent: `<html><body><p>Hi {{ contact.first_name }}, this is number ${n}. <a href="https://faults.example/${n}">Go on</a></p></body></html>`,
    ...over,
  });
  return [
    email(1),
    { ref: 'score', stepType: 'action', stepName: 'Score', actionConfig: { type: 'adjust_lead_score', by: 1 } },
    email(2),
    {
      ref: 'isPro',
      stepType: 'condition',
      stepName: 'Pro?',
      conditionRules: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' },
      trueNextRef: 'tag',
      falseNextRef: 'email3',
    },
    { ref: 'tag', stepType: 'action', stepName: 'Tag', actionConfig: { type: 'add_tag', tag: 'pro-reader' } },
    email(3),
  ];
}
