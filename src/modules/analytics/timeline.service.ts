import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { MOST_TRACE_CHARACTERS, readTrace } from '../../shared/trace.js';
import { CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { segmentReferences, type Rule } from '../segments/index.js';
import { ContactNotInCampaign } from './analytics.errors.js';
import { buildTimeline, type TimelineEmail } from './domain/timeline.js';
import type { DecisionFacts, TimelineStep } from './domain/timeline-decisions.js';
import type { TimelineEnrollment, TimelineEntry } from './domain/timeline-entry.js';
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
      const facts = await this.facts(tx, tenantId, campaignId, enrollment, emails);
      return {
        campaignId,
        contactId,
        enrollmentId: enrollment.id,
        status: enrollment.status,
        entries: buildTimeline(enrollment, emails, events, facts),
        truncated:
          emails.length === TIMELINE_LIMIT ||
          events.length === TIMELINE_LIMIT ||
          facts.calls.length === TIMELINE_LIMIT ||
          enrollment.trace.length === MOST_TRACE_CHARACTERS,
      };
    });
  }

  /** What decisions are explained with. */
  private async facts(
    tx: Tx,
    tenantId: string,
    campaignId: string,
    enrollment: TimelineEnrollment,
    emails: TimelineEmail[],
  ): Promise<DecisionFacts> {
    const steps = await this.queries.steps(tx, tenantId, campaignId);
    const handovers = await this.queries.handovers(tx, tenantId, enrollment.id);
    const calls = await this.queries.calls(tx, tenantId, enrollment.id, TIMELINE_LIMIT);
    const names = await this.queries.names(tx, tenantId, namedIn(steps, enrollment));
    const stepNames = new Map(steps.map(({ id, name }) => [id, name]));
    const nameOf = (id: string) => names.get(id.toLowerCase()) ?? null;
    return {
      steps,
      handovers,
      calls,
      emails,
      names: { step: (id) => stepNames.get(id.toLowerCase()) ?? null, segment: nameOf, campaign: nameOf },
    };
  }
}

/** Segments and campaigns that explanations will name. */
function namedIn(steps: TimelineStep[], { trace }: TimelineEnrollment): { segments: string[]; campaigns: string[] } {
  const rules = steps.flatMap(({ rules: rule, split }) => [
    rule,
    ...(split?.type === 'rules' ? split.branches.map((b) => b.rules as Rule) : []),
  ]);
  const segments = rules.flatMap((rule) => (rule ? segmentReferences(rule).map(({ id }) => id) : []));
  const targets = steps.flatMap(({ action }) => (action?.type === 'enroll' ? [action.campaignId] : []));
  const causes = readTrace(trace).flatMap((mark) =>
    mark.kind === 'entered' && mark.cause.by === 'campaign' ? [mark.cause.campaignId] : [],
  );
  return { segments, campaigns: [...targets, ...causes] };
}
