import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import { CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { ContactNotInCampaign } from './analytics.errors.js';
import { buildTimeline, type TimelineEntry } from './domain/timeline.js';
import { TimelineQueries } from './timeline.queries.js';

/** The newest messages, and the newest facts about them, that a timeline shows. */
export const TIMELINE_LIMIT = 500;

export interface Timeline {
  campaignId: string;
  contactId: string;
  enrollmentId: string;
  status: string;
  entries: TimelineEntry[];
  truncated: boolean;
}

/** What happened to one person in a campaign, and why. */
@Injectable()
export class TimelineService {
  constructor(
    private readonly db: Database,
    private readonly queries: TimelineQueries,
    private readonly campaigns: CampaignsService,
  ) {}

  of(ctx: TenantContext, campaignId: string, contactId: string): Promise<Timeline> {
    const { tenantId } = ctx;
    return this.db.inTenant(tenantId, async (tx) => {
      const enrollment = await this.queries.enrollment(tx, tenantId, campaignId, contactId);
      if (!enrollment) {
        await this.campaigns.get(tx, tenantId, campaignId);
        throw new ContactNotInCampaign();
      }
      const emails = await this.queries.emails(tx, tenantId, enrollment.id, TIMELINE_LIMIT);
      const ids = emails.map(({ id }) => id);
      const events = await this.queries.events(tx, tenantId, ids, TIMELINE_LIMIT);
      const steps = new Map((await this.queries.steps(tx, tenantId, campaignId)).map((step) => [step.id, step.name]));
      return {
        campaignId,
        contactId,
        enrollmentId: enrollment.id,
        status: enrollment.status,
        entries: buildTimeline(enrollment, emails, events, (stepId) => steps.get(stepId) ?? null),
        truncated: emails.length === TIMELINE_LIMIT || events.length === TIMELINE_LIMIT,
      };
    });
  }
}
