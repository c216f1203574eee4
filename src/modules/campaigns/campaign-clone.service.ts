import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { CampaignCloner } from './campaign-parts.js';
import { CampaignNotFoundError } from './campaigns.errors.js';
import { CampaignsQueries } from './campaigns.queries.js';
import type { Campaign, CampaignSettings } from './domain/campaign.js';
import { copyName, copyStem } from './domain/copy-name.js';

/** Makes a new draft of a campaign in any status. */
@Injectable()
export class CampaignCloneService {
  constructor(
    private readonly db: Database,
    private readonly queries: CampaignsQueries,
    private readonly cloner: CampaignCloner,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** All of the copy or nothing of it: settings and steps in one transaction, the original locked so that no half of an edit is copied. */
  async clone(ctx: TenantContext, campaignId: string, name?: string): Promise<Campaign> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const source = await this.queries.lock(tx, ctx.tenantId, campaignId);
      if (!source) throw new CampaignNotFoundError();
      const taken = name === undefined ? await this.queries.namesBeginningWith(tx, ctx.tenantId, copyStem(source.name).slice(0, 200)) : [];
      const copy = await this.queries.insert(tx, ctx.tenantId, {
        ...settingsOf(source, this.clock.now()),
        name: name ?? copyName(source.name, new Set(taken)),
        id: this.ids.uuid(),
        workspaceId: source.workspaceId,
        createdBy: ctx.userId,
      });
      await this.cloner.copyParts(tx, source, copy);
      await this.audit.record(tx, ctx, {
        action: 'campaign.cloned',
        entityType: 'campaign',
        entityId: copy.id,
        after: { name: copy.name, clonedFrom: source.id },
      });
      return copy;
    });
  }
}

/** What a copy takes over: settings only, no progress, no history, and no dates that have passed. */
function settingsOf(source: Campaign, now: Date): CampaignSettings {
  return {
    name: source.name,
    description: source.description,
    campaignType: source.campaignType,
    category: source.category,
    segmentId: source.segmentId,
    fromEmail: source.fromEmail,
    fromName: source.fromName,
    replyToEmail: source.replyToEmail,
    startDate: ahead(source.startDate, now),
    endDate: ahead(source.endDate, now),
    timezone: source.timezone,
    sendStrategy: source.sendStrategy,
    startInContactZone: source.startInContactZone,
    trackOpens: source.trackOpens,
    trackClicks: source.trackClicks,
    unsubscribeEnabled: source.unsubscribeEnabled,
    unknownPolicy: source.unknownPolicy,
    providerAccountId: source.providerAccountId,
    exitOnReply: source.exitOnReply,
    sendRatePerMinute: source.sendRatePerMinute,
    rampPlan: source.rampPlan,
    frequencyCap: source.frequencyCap,
    sendWindow: source.sendWindow,
    pauseThresholds: source.pauseThresholds,
    trigger: source.trigger,
    reentry: source.reentry,
    goal: source.goal,
    exitOnSegmentLeave: source.exitOnSegmentLeave,
    keepEnrolling: source.keepEnrolling,
  };
}

function ahead(date: Date | null, now: Date): Date | null {
  return date && date > now ? date : null;
}
