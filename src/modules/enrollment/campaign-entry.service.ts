import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { CAMPAIGN_LOCK, type Campaign, CampaignLaunchStore, CampaignsService, cooldownMs } from '../campaigns/index.js';
import { SegmentsService, type SqlFragment } from '../segments/index.js';
import { StepsService } from '../steps/index.js';
import { AudienceEnrollment } from './audience-enrollment.service.js';
import { entryTrace, type EntryCause } from '../../shared/trace.js';
import { ENTRY_PARAMS, EntryQueries, type Entered, type EntryRequest } from './entry.queries.js';

export type Entrant = EntryRequest['entrants'][number];

const EVERYBODY: SqlFragment = { sql: 'true', params: [] };

/**
 * How contacts enter a campaign that is running already: by an event, by coming into a segment, by an action of another campaign. Re-entry
 * rules, consent, suppressions and the campaign's own segment apply, in one statement for all.
 */
@Injectable()
export class CampaignEntry {
  constructor(
    private readonly clock: Clock,
    private readonly queries: EntryQueries,
    private readonly campaigns: CampaignsService,
    private readonly launches: CampaignLaunchStore,
    private readonly segments: SegmentsService,
    private readonly steps: StepsService,
    private readonly audience: AudienceEnrollment,
  ) {}

  /**
   * The campaign, if people may enter it now: launched, not ended, its enrolment not closed. It stays so until the transaction ends. Ask for
   * several in the order of their ids.
   */
  async openCampaign(tx: Tx, tenantId: string, campaignId: string): Promise<Campaign | null> {
    await this.queries.shareCampaign(tx, CAMPAIGN_LOCK, campaignId);
    const campaign = await this.campaigns.get(tx, tenantId, campaignId);
    const isOver = campaign.endDate !== null && campaign.endDate <= this.clock.now();
    const isLive = campaign.status === 'active' || campaign.status === 'paused';
    return isLive && !isOver && campaign.enrollmentClosedAt === null ? campaign : null;
  }

  /**
   * Enrols those of `entrants` who may enter, once each, and counts them on the campaign; call with what `openCampaign` gave. Somebody inside
   * stays where they are. Repeating it enrols nobody twice, nor starts anybody again before the cooldown is over.
   */
  async enter(tx: Tx, campaign: Campaign, entrants: Entrant[], options: { cause: EntryCause; reentry?: boolean }): Promise<Entered[]> {
    if (entrants.length === 0) return [];
    const { tenantId, id: campaignId } = campaign;
    const { firstStepId } = await this.steps.loadFlow(tx, tenantId, campaignId, campaign.stepsVersion);
    if (!firstStepId) return [];
    const now = this.clock.now();
    const request: EntryRequest = {
      campaignId,
      firstStepId,
      entrants: onceEach(entrants),
      now,
      includeUnsubscribed: campaign.category === 'transactional',
      trace: entryTrace(now, options.cause),
      cooldownMs: options.reentry === false ? null : cooldownMs(campaign.reentry),
      ...(await this.audience.dueTimes(tx, campaign, now)),
    };
    const entered = await this.queries.enter(tx, tenantId, request, await this.filter(tx, campaign, now));
    await this.launches.addEnrolled(tx, tenantId, campaignId, entered.filter(({ isNew }) => isNew).length);
    return entered;
  }

  private async filter(tx: Tx, { tenantId, segmentId }: Campaign, now: Date): Promise<SqlFragment> {
    if (segmentId === null) return EVERYBODY;
    const options = { contactAlias: 'c', tenantParam: '$1', firstParam: ENTRY_PARAMS + 1, now };
    return this.segments.compileSegment(tx, tenantId, segmentId, options);
  }
}

/** The earliest of each: one statement can change a row only once. */
function onceEach(entrants: Entrant[]): Entrant[] {
  const earliest = new Map<string, Entrant>();
  for (const entrant of entrants) {
    const known = earliest.get(entrant.contactId);
    if (!known || entrant.at < known.at) earliest.set(entrant.contactId, entrant);
  }
  return [...earliest.values()];
}
