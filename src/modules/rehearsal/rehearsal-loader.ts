import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, rows, sqlState, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import type { Problem } from '../../shared/domain-error.js';
import { Random } from '../../shared/random.js';
import { CampaignsService, homeSegment, type Campaign } from '../campaigns/index.js';
import { Ledger, PacingService, type PacedCampaign, type PacingSettings } from '../delivery/index.js';
import { ExperimentsService } from '../experiments/index.js';
import type { TenantContext } from '../identity/index.js';
import { SegmentsService, type Rule } from '../segments/index.js';
import { StepVersions, StepsService, type CampaignStep } from '../steps/index.js';
import { USUAL_REACTIONS, type Assumptions, type Reactions } from './domain/assumptions.js';
import { needsOf, rulesAsked, type Needs } from './domain/needs.js';
import type { LoadedPerson, RehearsalPlan } from './domain/plan.js';
import type { RehearsedAudience } from './domain/report.js';
import { warningsOf, type RehearsalWarning } from './domain/warnings.js';
import { RehearsalRefusedError, RehearsalTooSlowError } from './rehearsal.errors.js';
import { AUDIENCE_PARAMS, RehearsalQueries } from './rehearsal.queries.js';

const QUERY_CANCELED = '57014';
const STATEMENT_SECONDS = 15;
/** Contacts loaded by one statement. */
const CHUNK = 500;

export interface RehearsalRequest {
  seed?: string;
  /** How many people at most. */
  sample: number;
  startAt?: Date;
  assumptions: Partial<Reactions> & Pick<Assumptions, 'steps' | 'events'>;
  contactIds?: string[];
  /** Whoever is or was in the campaign takes part as if for the first time. */
  includeEnrolled: boolean;
  /** A version of the steps; the present one if not given. */
  version?: number;
  /** Whose visits are shown: so many, behind this contact. */
  contacts: { limit: number; after?: string };
}

export interface LoadedRehearsal {
  plan: RehearsalPlan;
  audience: RehearsedAudience;
  warnings: RehearsalWarning[];
  nextContact: string | null;
}

interface Loading {
  tx: Tx;
  tenantId: string;
  campaign: Campaign;
  request: RehearsalRequest;
  seed: string;
  now: Date;
}

/** Reads all that a rehearsal needs, as it is at one moment, in statements of bounded size; after that the database is not asked again. */
@Injectable()
export class RehearsalLoader {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly queries: RehearsalQueries,
    private readonly campaigns: CampaignsService,
    private readonly steps: StepsService,
    private readonly versions: StepVersions,
    private readonly segments: SegmentsService,
    private readonly experiments: ExperimentsService,
    private readonly ledger: Ledger,
    private readonly pacing: PacingService,
  ) {}

  async load({ tenantId }: TenantContext, campaignId: string, request: RehearsalRequest): Promise<LoadedRehearsal> {
    const now = this.clock.now();
    const seed = request.seed ?? String(Math.floor(this.random.next() * 1e9));
    try {
      return await this.db.inTenant(
        tenantId,
        async (tx) => {
          await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
          const campaign = await this.campaigns.get(tx, tenantId, campaignId);
          return this.loadPlan({ tx, tenantId, campaign, request, seed, now });
        },
        { statementTimeoutMs: STATEMENT_SECONDS * 1_000 },
      );
    } catch (error) {
      if (sqlState(error) === QUERY_CANCELED) throw new RehearsalTooSlowError(STATEMENT_SECONDS, { cause: error });
      throw error;
    }
  }

  private async loadPlan(loading: Loading): Promise<LoadedRehearsal> {
    const { tx, tenantId, campaign, request, seed, now } = loading;
    const startAt = request.startAt ?? now;
    const version = request.version ?? campaign.stepsVersion;
    const steps = await this.versions.list(tx, tenantId, campaign.id, version);
    if (steps.length === 0 && version !== campaign.stepsVersion) throw new RehearsalRefusedError([noVersion(version)]);
    const flow = await this.steps.loadFlow(tx, tenantId, campaign.id, version);
    const problems = [...refusals(campaign, steps, startAt, now), ...assumptionProblems(request, steps)];
    if (problems.length > 0) throw new RehearsalRefusedError(problems);
    const assumptions = assumptionsOf(request);
    const leaveSegmentId = campaign.exitOnSegmentLeave ? homeSegment(campaign) : null;
    const rules = rulesAsked(flow, campaign.goal, leaveSegmentId);
    const segments = await this.segments.definitionsOf(tx, tenantId, rules);
    const settings = await this.pacing.settings(tx, tenantId);
    const { audience, ids } = await this.audience(loading);
    const share = audience.reachable === 0 ? 1 : audience.sampled / audience.reachable;
    const plan: RehearsalPlan = {
      campaign,
      flow,
      variantNames: new Map(steps.flatMap(({ variants }) => variants.map(({ id, name }) => [id, name] as const))),
      segments,
      leaveSegmentId,
      decisions: await this.experiments.decisions(tx, tenantId, campaign.id),
      pace: paceOf(campaign, settings, startAt, audience.sampled, share),
      quietHours: settings.quietHours ?? null,
      startAt,
      seed,
      assumptions,
      people: await this.people(loading, ids, needsOf(flow, rules, segments), settings, startAt),
      ...followedOf(ids, request.contacts),
    };
    const hasTenantRates = Boolean(settings.accountRatePerMinute || settings.domainRates?.length);
    const warnings = warningsOf({ campaign, flow, rules, assumptions, share, hasTenantRates });
    const last = [...plan.followed].at(-1);
    return { plan, audience, warnings, nextContact: last !== undefined && last !== ids.at(-1) ? last : null };
  }

  private async audience({ tx, tenantId, campaign, request, seed, now }: Loading): Promise<{ audience: RehearsedAudience; ids: string[] }> {
    const contactIds = request.contactIds?.map((id) => id.toLowerCase()) ?? null;
    const known = contactIds && (await this.queries.existing(tx, tenantId, contactIds));
    if (known) assertKnown(contactIds, known);
    const options = { contactAlias: 'c', tenantParam: '$1', firstParam: AUDIENCE_PARAMS + 1, now };
    const segment = await this.segments.compileRule(tx, tenantId, entryRule(campaign), options);
    const { sample, includeEnrolled } = request;
    const isTransactional = campaign.category === 'transactional';
    const asked = { campaignId: campaign.id, isTransactional, contactIds, sample, includeEnrolled };
    const { counts, ids } = await this.queries.audience(tx, tenantId, { ...asked, seed: wholeNumber(seed) }, segment);
    const { noAddress = 0, suppressed = 0, unsubscribed = 0, alreadyEnrolled: enrolled = 0 } = counts;
    const reachable = (counts.reachable ?? 0) + (includeEnrolled ? enrolled : 0);
    const alreadyEnrolled = includeEnrolled ? 0 : enrolled;
    const inSegment = reachable + noAddress + suppressed + unsubscribed + alreadyEnrolled;
    const total = known?.size ?? inSegment;
    const excluded = { noAddress, suppressed, unsubscribed, alreadyEnrolled, notInSegment: total - inSegment };
    return { audience: { total, reachable, sampled: ids.length, excluded }, ids };
  }

  private async people({ tx, tenantId, campaign }: Loading, ids: string[], needs: Needs, settings: PacingSettings, startAt: Date) {
    const cap = campaign.category === 'marketing' ? (campaign.frequencyCap ?? settings.frequencyCap) : null;
    const people: LoadedPerson[] = [];
    for (let from = 0; from < ids.length; from += CHUNK) {
      const chunk = ids.slice(from, from + CHUNK);
      const loaded = await this.queries.people(tx, tenantId, chunk, needs);
      const opens = campaign.sendStrategy === 'optimized' ? await this.ledger.opensOf(tx, tenantId, chunk) : null;
      const mail = cap ? await this.pacing.mailUnderCap(tx, tenantId, chunk, cap, startAt) : null;
      for (const { id, facts } of loaded) people.push({ id, facts, opens: opens?.get(id) ?? [], mailTimes: mail?.get(id) ?? [] });
    }
    return people;
  }
}

/** Who gets into the campaign: whoever is in its segment and in that of its trigger, where it has them. */
function entryRule({ segmentId, trigger }: Campaign): Rule {
  const ids = [segmentId, trigger?.type === 'segment_entry' ? trigger.segmentId : null].filter((id) => id !== null);
  return { all: ids.map((id) => ({ type: 'segment', segmentId: id })) };
}

/** The usual, where nothing else was said. */
function assumptionsOf({ assumptions }: RehearsalRequest): Assumptions {
  const given = Object.fromEntries(
    Object.entries(assumptions).filter(([, value]) => value !== undefined),
  ) as RehearsalRequest['assumptions'];
  const steps = given.steps.map((step) => ({ ...step, stepId: step.stepId.toLowerCase(), variantId: step.variantId?.toLowerCase() }));
  return { ...USUAL_REACTIONS, ...given, steps };
}

/** Why this campaign cannot be rehearsed as it stands. */
function refusals(campaign: Campaign, steps: readonly CampaignStep[], startAt: Date, now: Date): Problem[] {
  const problems: Problem[] = [];
  if (steps.length === 0)
    problems.push({ path: 'steps', code: 'no_steps', message: 'The campaign has no steps: there is nothing to rehearse.' });
  if (campaign.campaignType !== 'triggered' && campaign.segmentId === null)
    problems.push({ path: 'segmentId', code: 'segment_missing', message: 'The campaign has no audience: set segmentId.' });
  if (startAt < now)
    problems.push({ path: 'startAt', code: 'start_in_past', message: 'A rehearsal starts now or later, not in the past.' });
  if (campaign.endDate && campaign.endDate <= startAt) {
    const message = `The campaign ends at ${campaign.endDate.toISOString()}, before the rehearsal starts: nothing would happen.`;
    problems.push({ path: 'startAt', code: 'campaign_ended', message });
  }
  return problems;
}

function noVersion(version: number): Problem {
  return { path: 'version', code: 'version_unknown', message: `The campaign has no steps of a version ${version}.` };
}

/** Assumptions about steps and variants that are not there. */
function assumptionProblems({ assumptions }: RehearsalRequest, steps: readonly CampaignStep[]): Problem[] {
  return assumptions.steps.flatMap(({ stepId, variantId }, index): Problem[] => {
    const path = `assumptions.steps[${index}]`;
    const step = steps.find(({ id }) => id === stepId.toLowerCase());
    if (step?.stepType !== 'email')
      return [{ path: `${path}.stepId`, code: 'step_unknown', message: `${stepId} is not an email step of this campaign.` }];
    if (variantId === undefined || step.variants.some(({ id }) => id === variantId.toLowerCase())) return [];
    return [{ path: `${path}.variantId`, code: 'variant_unknown', message: `${variantId} is not a variant of that step.` }];
  });
}

function assertKnown(contactIds: string[], known: ReadonlySet<string>): void {
  const problems = contactIds.flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `contactIds[${index}]`, code: 'unknown_contact', message: `${id} is not a contact of yours.` }],
  );
  if (problems.length > 0) throw new RehearsalRefusedError(problems);
}

/** Rates and ramps as they are for so much of the audience. */
function paceOf(campaign: Campaign, settings: PacingSettings, startAt: Date, sampled: number, share: number): PacedCampaign {
  const scaled = (rate: number | null | undefined): number | null => (rate ? rate * share : null);
  return {
    campaignId: campaign.id,
    timezone: campaign.timezone,
    launchedAt: startAt,
    audience: sampled,
    sendRatePerMinute: scaled(campaign.sendRatePerMinute),
    rampPlan:
      campaign.rampPlan?.map((day) => (day.messages === undefined ? day : { ...day, messages: Math.ceil(day.messages * share) })) ?? null,
    settings: {
      ...settings,
      accountRatePerMinute: scaled(settings.accountRatePerMinute),
      domainRates: settings.domainRates?.map(({ domain, perMinute }) => ({ domain, perMinute: perMinute * share })) ?? null,
    },
  };
}

function followedOf(ids: string[], { limit, after }: RehearsalRequest['contacts']): { followed: ReadonlySet<string> } {
  const from = after === undefined ? 0 : ids.findIndex((id) => id > after.toLowerCase());
  return { followed: new Set(from < 0 ? [] : ids.slice(from, from + limit)) };
}

/** Any seed as 64 bits that PostgreSQL hashes with. */
function wholeNumber(seed: string): string {
  return createHash('sha256').update(seed).digest().readBigInt64BE(0).toString();
}
