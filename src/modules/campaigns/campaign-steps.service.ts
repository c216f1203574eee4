import { Injectable } from '@nestjs/common';
import { Database, rows, type Tx } from '../../database/index.js';
import { CAMPAIGN_LOCK, STEPS_LOCK } from './campaign-lock.js';
import { CampaignNotFoundError, CampaignStateError, PublishRefusedError } from './campaigns.errors.js';
import { CampaignsQueries } from './campaigns.queries.js';
import type { CampaignStatus } from './domain/campaign-state.js';
import type { Campaign } from './domain/campaign.js';
import type { LaunchFinding } from './domain/launch-rules.js';
import { LaunchChecks, type LaunchCheck, type LaunchOccasion } from './launch-checks.js';

const UNDER_WAY: readonly CampaignStatus[] = ['active', 'paused'];

/** What the checks have made for `freeze`. */
export interface Inspection {
  prepared: ReadonlyMap<LaunchCheck, unknown>;
}

/** Which version of its steps a campaign under way runs: the campaign's part in publishing another one. */
@Injectable()
export class CampaignSteps {
  constructor(
    private readonly db: Database,
    private readonly queries: CampaignsQueries,
    private readonly checks: LaunchChecks,
  ) {}

  /** `CampaignStateError` (409) unless it has been launched and not ended. `done` says what cannot be done to it otherwise. */
  assertUnderWay(campaign: Campaign, done: string): void {
    if (!UNDER_WAY.includes(campaign.status)) throw new CampaignStateError(done, campaign.status, UNDER_WAY);
  }

  /** The row's lock: changes to the versions of one campaign go one after another. */
  async lock(tx: Tx, tenantId: string, campaignId: string): Promise<Campaign> {
    const campaign = await this.queries.lock(tx, tenantId, campaignId);
    if (!campaign) throw new CampaignNotFoundError();
    return campaign;
  }

  /**
   * The campaign to itself: waits until no batch of the engine or of the enrolment is under way and no message passes the gate, and keeps all of them out
   * until the transaction ends. In this order: those who hold the steps may be waiting for the campaign.
   */
  async lockAlone(tx: Tx, tenantId: string, campaignId: string): Promise<Campaign> {
    await rows(tx, 'SELECT pg_advisory_xact_lock($1::int, hashtext($2::text))', [STEPS_LOCK, campaignId]);
    await this.queries.lockGate(tx, CAMPAIGN_LOCK, campaignId);
    return this.lock(tx, tenantId, campaignId);
  }

  /**
   * Asks everybody who has a say in a launch about the version that `campaign.stepsVersion` names; `PublishRefusedError` (422, or 409 where only people's
   * approval is missing) lists what stands in the way. With no transaction open: content is compiled here.
   */
  async inspect(campaign: Campaign, occasion: Exclude<LaunchOccasion, 'launch'>): Promise<Inspection> {
    const { findings, prepared } = await this.look(campaign, occasion);
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new PublishRefusedError(errors);
    return { prepared };
  }

  /** The preflight of a version: errors and warnings. With no transaction open. */
  async findings(campaign: Campaign): Promise<LaunchFinding[]> {
    return (await this.look(campaign, 'publish')).findings;
  }

  private async look(campaign: Campaign, occasion: Exclude<LaunchOccasion, 'launch'>): Promise<Inspection & { findings: LaunchFinding[] }> {
    const { tenantId } = campaign;
    const findings = await this.db.inTenant(tenantId, async (tx) => {
      const found: LaunchFinding[] = [];
      for (const check of this.checks.all()) found.push(...(await check.check(tx, campaign, occasion)));
      return found;
    });
    const prepared = new Map<LaunchCheck, unknown>();
    for (const check of occasion === 'rollback' ? [] : this.checks.all()) {
      const preparation = await check.prepare?.(tenantId, campaign);
      if (!preparation) continue;
      findings.push(...preparation.findings);
      prepared.set(check, preparation.prepared);
    }
    return { findings, prepared };
  }

  /** Runs `version` from now on and stores what `inspect` has made. Call with `lockAlone`. */
  async switchTo(
    tx: Tx,
    campaign: Campaign,
    version: number,
    { prepared }: Inspection,
    occasion: Exclude<LaunchOccasion, 'launch'>,
  ): Promise<Campaign> {
    const switched = await this.queries.switchSteps(tx, campaign.tenantId, campaign.id, version);
    for (const check of this.checks.all()) await check.freeze?.(tx, switched, prepared.get(check), occasion);
    return switched;
  }
}
