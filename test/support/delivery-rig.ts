import { setTimeout as delay } from 'node:timers/promises';
import { type AppConfig, loadConfig } from '../../src/config/index.js';
import { affected, type Database, row, rows } from '../../src/database/index.js';
import { CampaignControlService, CampaignLifecycle, type CampaignJobs } from '../../src/modules/campaigns/index.js';
import { CampaignsQueries } from '../../src/modules/campaigns/campaigns.queries.js';
import { AuditService } from '../../src/modules/identity/index.js';
import { AuditQueries } from '../../src/modules/identity/audit.queries.js';
import type { ContactEffects } from '../../src/modules/contacts/index.js';
import { PeopleInside } from '../../src/modules/enrollment/index.js';
import { Waits } from '../../src/modules/triggers/index.js';
import { BreakerQueries } from '../../src/modules/delivery/breaker.queries.js';
import { BreakerService } from '../../src/modules/delivery/breaker.service.js';
import { CampaignGuard } from '../../src/modules/delivery/campaign-guard.service.js';
import { ClaimService } from '../../src/modules/delivery/claim.service.js';
import { DeliveryQueries } from '../../src/modules/delivery/delivery.queries.js';
import { DeliveryService } from '../../src/modules/delivery/delivery.service.js';
import { Metrics } from '../../src/http/index.js';
import { EventApplier } from '../../src/modules/delivery/event-applier.service.js';
import { EventQueries } from '../../src/modules/delivery/event.queries.js';
import { GateService } from '../../src/modules/delivery/gate.service.js';
import { Ledger } from '../../src/modules/delivery/ledger.js';
import { HitJudge } from '../../src/modules/delivery/hit-judge.js';
import { LedgerQueries } from '../../src/modules/delivery/ledger.queries.js';
import { MessageComposer } from '../../src/modules/delivery/message-composer.js';
import type { Outlet } from '../../src/modules/delivery/outlet.js';
import { Outlets } from '../../src/modules/delivery/outlets.js';
import { Pacer } from '../../src/modules/delivery/pacer.service.js';
import { PacingQueries } from '../../src/modules/delivery/pacing.queries.js';
import { RecoveryQueries } from '../../src/modules/delivery/recovery.queries.js';
import { MailCounters } from '../../src/modules/delivery/mail-counters.js';
import { RecoveryService } from '../../src/modules/delivery/recovery.service.js';
import { SettlementService } from '../../src/modules/delivery/settlement.service.js';
import type { EnrollmentService } from '../../src/modules/enrollment/index.js';
import { EmailProvider, type EmailProviders, type OutgoingMessage, type SendOutcome } from '../../src/modules/mail/index.js';
import type { StepContents } from '../../src/modules/steps/index.js';
import { ContentRenderer, type CompiledContent } from '../../src/modules/templates/index.js';
import { TrackingQueries } from '../../src/modules/tracking/tracking.queries.js';
import { TrackingService } from '../../src/modules/tracking/tracking.service.js';
import { TrackingTokens } from '../../src/modules/tracking/tracking-tokens.js';
import { WebhookAccounts } from '../../src/modules/tracking/webhook-accounts.js';
import { WebhookInboxQueries } from '../../src/modules/tracking/webhook-inbox.queries.js';
import { HitInboxQueries } from '../../src/modules/tracking/hit-inbox.queries.js';
import { HitInbox } from '../../src/modules/tracking/hit-inbox.service.js';
import { WebhookInbox } from '../../src/modules/tracking/webhook-inbox.service.js';
import type { TypedQueue } from '../../src/queue/index.js';
import type { DeliveryJobs } from '../../src/modules/delivery/delivery.jobs.js';
import { SystemIds } from '../../src/shared/ids.js';
import type { Random } from '../../src/shared/random.js';
import { FakeClock } from './fake-clock.js';
import { openDatabase } from './test-database.js';

const CONTENT: CompiledContent = {
  version: 1,
  subject: 'Hello {{ contact.first_name }}',
  html: '<p>Hi {{ contact.first_name }}</p>',
  text: 'Hi {{ contact.first_name }}',
  links: [],
  hasUnsubscribe: true,
  size: 60,
  variables: [],
};

/** A provider that does what the test says, and remembers every message it was given: the ground truth. */
export class ScriptedProvider extends EmailProvider {
  readonly name = 'null' as const;
  sendTimeoutMs = 1_000;
  readonly handedOver: OutgoingMessage[] = [];
  /** Replace to script outcomes. */
  answer: (message: OutgoingMessage) => SendOutcome | Promise<SendOutcome> = () => ({ kind: 'accepted', providerMessageId: 'p-1' });

  constructor(
    readonly maxBatch = 10,
    readonly maxConcurrency = 2,
  ) {
    super();
  }

  send(messages: OutgoingMessage[]): Promise<SendOutcome[]> {
    this.handedOver.push(...messages);
    return Promise.all(messages.map(async (message) => this.answer(message)));
  }

  async close(): Promise<void> {}
}

export interface DeliveryParts {
  db: Database;
  clock: FakeClock;
  config: AppConfig;
  provider: ScriptedProvider;
  delivery: DeliveryService;
  ledger: Ledger;
  claims: ClaimService;
  gate: GateService;
  outlet: Outlet;
  settlements: SettlementService;
  tracking: TrackingService;
  tokens: TrackingTokens;
  breaker: BreakerService;
  guard: CampaignGuard;
  metrics: Metrics;
  inbox: WebhookInbox;
  /** Names of campaigns hinted so far. */
  hints: string[];
}

/** One worker, by hand, on a database: as many as a test needs, each with connections of its own. */
export async function deliveryWorker(
  url: string,
  enrollments: (db: Database) => EnrollmentService,
  contacts: () => ContactEffects,
  options: {
    provider?: EmailProvider;
    clock?: FakeClock;
    env?: Record<string, string>;
    content?: CompiledContent;
    providers?: Pick<EmailProviders, 'for'>;
  } = {},
): Promise<DeliveryParts & { close(): Promise<void> }> {
  const random: Random = { next: () => 0.5 };
  const { db, close: closeDatabase } = await openDatabase(url, random);
  const clock = options.clock ?? new FakeClock('2030-01-07T08:00:00Z');
  const config = loadConfig({
    DATABASE_URL: url,
    APP_SECRET: 'a secret of tests only, long enough for the check',
    PUBLIC_URL: 'https://mail.acme.example',
    SEND_LEASE_SECONDS: '5',
    CLAIM_LEASE_SECONDS: '5',
    ...options.env,
  });
  const provider = (options.provider ?? new ScriptedProvider()) as ScriptedProvider;
  const ids = new SystemIds();
  const queries = new DeliveryQueries();
  // One provider for every account, unless a test brings providers of its own.
  const providers = options.providers ?? { for: async () => ({ accountId: null, version: 0, provider }) };
  const outlets = new Outlets(providers as EmailProviders, config);
  const outlet = await outlets.for('', null);
  const exits = enrollments(db);
  const effects = contacts();
  const metrics = new Metrics();
  const counters = new MailCounters(metrics);
  const settlements = new SettlementService(db, queries, exits, effects, counters);
  const claims = new ClaimService(db, queries, config, clock, ids);
  const pacingQueries = new PacingQueries();
  const pacer = new Pacer(pacingQueries);
  const breaker = new BreakerService(db, new BreakerQueries());
  const guard = new CampaignGuard(db, campaignControl(db, clock));
  const gate = new GateService(db, queries, settlements, clock, pacer, counters);
  const tokens = new TrackingTokens(config);
  const contents = {
    load: async (_tx: unknown, _tenantId: string, stepIds: string[]) =>
      new Map(stepIds.map((id) => [id, { compiled: options.content ?? CONTENT, linkIds: [], subjectLine: 'Hello' }])),
  } as unknown as StepContents;
  const composer = new MessageComposer(db, contents, new ContentRenderer(), tokens, config);
  const tracking = new TrackingService(new TrackingQueries(), db, clock);
  const recovery = new RecoveryService(db, new RecoveryQueries(), exits, clock, config, counters);
  const events = new EventQueries();
  const inbox = new WebhookInbox(db, new WebhookAccounts(config), new WebhookInboxQueries(), clock, ids);
  const hitInbox = new HitInbox(db, new HitInboxQueries(), ids);
  const judge = new HitJudge(events, tracking);
  const waits = new Waits(new PeopleInside());
  const applier = new EventApplier(db, events, tracking, judge, exits, effects, inbox, hitInbox, clock, guard, waits, ids, counters);
  const hints: string[] = [];
  const queue = {
    hint: async (_name: string, { campaignId, shard }: { campaignId: string; shard: number }) => hints.push(`${campaignId}#${shard}`) > 0,
  } as unknown as TypedQueue<DeliveryJobs>;
  const ledgerQueries = new LedgerQueries();
  const delivery = new DeliveryService(
    db,
    queries,
    ledgerQueries,
    claims,
    composer,
    gate,
    outlets,
    settlements,
    recovery,
    applier,
    clock,
    random,
    pacer,
    breaker,
    guard,
    pacingQueries,
    queue,
  );
  const ledger = new Ledger(ledgerQueries, clock);
  const close = async () => {
    await delay(0);
    await closeDatabase();
  };
  return {
    db,
    clock,
    config,
    provider,
    delivery,
    ledger,
    claims,
    gate,
    outlet,
    settlements,
    tracking,
    tokens,
    inbox,
    breaker,
    guard,
    metrics,
    hints,
    close,
  };
}

/** Pausing, by hand. */
function campaignControl(db: Database, clock: FakeClock): CampaignControlService {
  const queue = { hint: async () => true } as unknown as TypedQueue<CampaignJobs>;
  const audit = new AuditService(new AuditQueries(), clock, new SystemIds(), db);
  return new CampaignControlService(db, new CampaignsQueries(), new CampaignLifecycle(), audit, clock, queue);
}

/** A campaign without rates, windows and caps. */
export const UNPACED = {
  timezone: 'UTC',
  launchedAt: null,
  audience: 0,
  sendRatePerMinute: null,
  rampPlan: null,
  frequencyCap: null,
  sendWindow: null,
  settings: null,
};

export interface SeededCampaign {
  tenantId: string;
  campaignId: string;
  stepId: string;
  /** The step behind the email: a wait, so that contacts stay visible there. */
  nextStepId: string;
}

/** A launched campaign of one email and a wait, with `contacts` people parked on the email and their rows in the ledger. */
export async function seedCampaign(
  { db, clock, ledger }: Pick<DeliveryParts, 'db' | 'clock' | 'ledger'>,
  options: { contacts: number; tenantId?: string; category?: 'marketing' | 'transactional'; unknownPolicy?: 'hold' | 'resend' },
): Promise<SeededCampaign> {
  const now = clock.now();
  const tenantId =
    options.tenantId ??
    (await db.asSystem(
      async (tx) =>
        (await row<{ id: string }>(tx, `INSERT INTO tenants (name, postal_address) VALUES ('Acme', '1 Main St') RETURNING id`))!.id,
    ));
  return db.inTenant(tenantId, async (tx) => {
    const campaign = (await row<{ id: string }>(
      tx,
      `INSERT INTO campaigns (tenant_id, name, campaign_type, status, category, from_email, from_name, launched_at, launch_state, unknown_policy)
       VALUES ($1, 'Spring', 'drip', 'active', $3, 'news@acme.example', 'Acme', $2, 'enrolled', $4) RETURNING id`,
      [tenantId, now, options.category ?? 'marketing', options.unknownPolicy ?? 'hold'],
    ))!.id;
    const steps = await rows<{ id: string }>(
      tx,
      `INSERT INTO campaign_steps (tenant_id, campaign_id, step_order, step_type, subject_line, wait_duration_value, wait_duration_unit)
       VALUES ($1, $2, 1, 'email', 'Hello', NULL, NULL), ($1, $2, 2, 'wait', NULL, 3, 'days') RETURNING id`,
      [tenantId, campaign],
    );
    await affected(
      tx,
      `WITH k AS (
         INSERT INTO contacts (tenant_id, email, email_norm, first_name)
         SELECT $1, format('p%s-%s@example.com', i, $2::uuid), format('p%s-%s@example.com', i, $2::uuid), 'Person ' || i FROM generate_series(1, $3::int) i RETURNING id)
       INSERT INTO campaign_contacts (tenant_id, campaign_id, contact_id, status, current_step_id, started_at)
       SELECT $1, $2, k.id, 'active', $4, $5 FROM k`,
      [tenantId, campaign, options.contacts, steps[0].id, now],
    );
    const enrollments = await rows<{ enrollmentId: string; contactId: string; entryNumber: number }>(
      tx,
      `SELECT id AS "enrollmentId", contact_id AS "contactId", entry_number AS "entryNumber" FROM campaign_contacts WHERE tenant_id = $1 AND campaign_id = $2`,
      [tenantId, campaign],
    );
    for (let at = 0; at < enrollments.length; at += 2_000) {
      const chunk = enrollments.slice(at, at + 2_000).map((enrollment) => ({ ...enrollment, dueAt: now }));
      await ledger.plan(tx, tenantId, campaign, steps[0].id, chunk);
    }
    return { tenantId, campaignId: campaign, stepId: steps[0].id, nextStepId: steps[1].id };
  });
}
