import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import type { Page } from '../../shared/page.js';
import { Database, row, type Tx } from '../../database/index.js';
import { decodeIdCursor, keysetPage } from '../../http/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { CAMPAIGN_LOCK, type Campaign, CampaignLaunchStore, CampaignLifecycle, CampaignsService } from '../campaigns/index.js';
import { StepsService } from '../steps/index.js';
import type { EnrollContactsDto, EnrollContactsResultDto, EnrollmentListQuery } from './dto/enrollment.dto.js';
import { firstDue, firstDueByZone } from './domain/first-due.js';
import { EnrollmentApiQueries, type EnrollmentRow } from './enrollment-api.queries.js';
import { CampaignNotEnrolling, EnrollmentNotFound, EnrollmentWrongState, UnknownContacts } from './enrollment.errors.js';
import { EnrollmentService } from './enrollment.service.js';

/** The use cases of `/api/campaigns/:id/contacts`. */
@Injectable()
export class EnrollmentApiService {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: EnrollmentApiQueries,
    private readonly enrollments: EnrollmentService,
    private readonly campaigns: CampaignsService,
    private readonly launches: CampaignLaunchStore,
    private readonly lifecycle: CampaignLifecycle,
    private readonly steps: StepsService,
    private readonly audit: AuditService,
  ) {}

  list(ctx: TenantContext, campaignId: string, query: EnrollmentListQuery): Promise<Page<EnrollmentRow>> {
    const beforeId = decodeIdCursor(query.cursor);
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      await this.campaigns.get(tx, ctx.tenantId, campaignId);
      const found = await this.queries.list(tx, ctx.tenantId, campaignId, {
        status: query.status ?? null,
        stepId: query.stepId ?? null,
        beforeId,
        limit: query.limit + 1,
      });
      return keysetPage(found, query.limit, ({ id }) => ({ id }));
    });
  }

  get(ctx: TenantContext, campaignId: string, contactId: string): Promise<EnrollmentRow> {
    return this.db.inTenant(ctx.tenantId, (tx) => this.require(tx, ctx.tenantId, campaignId, contactId));
  }

  /** All or nothing as to unknown ids; people who may not be mailed or are enrolled already are counted as skipped. */
  enroll(ctx: TenantContext, campaignId: string, { contactIds }: EnrollContactsDto): Promise<EnrollContactsResultDto> {
    const now = this.clock.now();
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const campaign = await this.openCampaign(tx, ctx.tenantId, campaignId);
      const known = await this.queries.existingContacts(tx, ctx.tenantId, contactIds);
      const unknown = contactIds.map((id, index) => ({ id, index })).filter(({ id }) => !known.has(id));
      if (unknown.length > 0) throw new UnknownContacts(unknown);
      const flow = await this.steps.loadFlow(tx, ctx.tenantId, campaignId, campaign.stepsVersion);
      const enrolled = await this.queries.enroll(tx, ctx.tenantId, {
        campaignId,
        firstStepId: flow.firstStepId!,
        contactIds,
        now,
        dueAt: firstDue(campaign, now, null),
        dueByZone: firstDueByZone(campaign, now, await this.queries.zonesOf(tx, ctx.tenantId, contactIds)),
        includeUnsubscribed: campaign.category === 'transactional',
      });
      await this.launches.addEnrolled(tx, ctx.tenantId, campaignId, enrolled);
      await this.lifecycle.emit(tx, 'enrolledByHand', await this.campaigns.get(tx, ctx.tenantId, campaignId), {});
      await this.audit.record(tx, ctx, { action: 'enrollment.add', entityType: 'campaign', entityId: campaignId, after: { enrolled } });
      return { enrolled, skipped: contactIds.length - enrolled };
    });
  }

  /** Takes the contact out of the campaign (`removed`); mail already planned is stopped by the gate. */
  async remove(ctx: TenantContext, campaignId: string, contactId: string): Promise<void> {
    await this.db.inTenant(ctx.tenantId, async (tx) => {
      const enrollment = await this.require(tx, ctx.tenantId, campaignId, contactId);
      const changed = await this.enrollments.exit(tx, ctx.tenantId, { enrollmentIds: [enrollment.id] }, 'removed', this.clock.now());
      if (changed === 0) throw new EnrollmentWrongState('removed', enrollment.status);
      await this.record(tx, ctx, 'enrollment.remove', enrollment);
    });
  }

  pause(ctx: TenantContext, campaignId: string, contactId: string): Promise<EnrollmentRow> {
    return this.change(ctx, campaignId, contactId, 'paused', (tx) => this.queries.hold(tx, ctx.tenantId, campaignId, contactId));
  }

  resume(ctx: TenantContext, campaignId: string, contactId: string): Promise<EnrollmentRow> {
    return this.change(ctx, campaignId, contactId, 'resumed', (tx) => this.queries.release(tx, ctx.tenantId, campaignId, contactId));
  }

  private change(
    ctx: TenantContext,
    campaignId: string,
    contactId: string,
    action: 'paused' | 'resumed',
    apply: (tx: Tx) => Promise<number>,
  ): Promise<EnrollmentRow> {
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const changed = await apply(tx);
      const enrollment = await this.require(tx, ctx.tenantId, campaignId, contactId);
      if (changed === 0) throw new EnrollmentWrongState(action, enrollment.status);
      await this.record(tx, ctx, `enrollment.${action === 'paused' ? 'pause' : 'resume'}`, enrollment);
      return enrollment;
    });
  }

  private async require(tx: Tx, tenantId: string, campaignId: string, contactId: string): Promise<EnrollmentRow> {
    const enrollment = await this.queries.find(tx, tenantId, campaignId, contactId);
    if (enrollment) return enrollment;
    await this.campaigns.get(tx, tenantId, campaignId);
    throw new EnrollmentNotFound();
  }

  /** The shared lock keeps the campaign from completing, pausing or being cancelled between this check and the commit. */
  private async openCampaign(tx: Tx, tenantId: string, campaignId: string): Promise<Campaign> {
    await row(tx, `SELECT pg_advisory_xact_lock_shared($1, hashtext($2))`, [CAMPAIGN_LOCK, campaignId]);
    const campaign = await this.campaigns.get(tx, tenantId, campaignId);
    if (campaign.status !== 'active' && campaign.status !== 'paused') throw new CampaignNotEnrolling(campaign.status);
    return campaign;
  }

  private record(tx: Tx, ctx: TenantContext, action: string, { id, status, contactId }: EnrollmentRow): Promise<void> {
    return this.audit.record(tx, ctx, { action, entityType: 'enrollment', entityId: id, after: { status, contactId } });
  }
}
