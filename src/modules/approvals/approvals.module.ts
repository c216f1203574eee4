import { Module, type OnModuleInit } from '@nestjs/common';
import { CampaignLifecycle, CampaignsModule, LaunchChecks } from '../campaigns/index.js';
import { SegmentsModule, SegmentsService } from '../segments/index.js';
import { StepsModule } from '../steps/index.js';
import { ApprovalGate } from './approval-gate.js';
import { ApprovalPoliciesController } from './approval-policies.controller.js';
import { ApprovalPoliciesQueries } from './approval-policies.queries.js';
import { ApprovalPoliciesService } from './approval-policies.service.js';
import { ApprovalRequestsService } from './approval-requests.service.js';
import { ApprovalsQueries } from './approvals.queries.js';
import { ApprovalsService } from './approvals.service.js';
import { CampaignApprovalsController } from './campaign-approvals.controller.js';
import { ContentQueries } from './content.queries.js';
import { MyApprovalsController } from './my-approvals.controller.js';
import { Rehearsals } from './rehearsals.js';

/** Nobody mails alone: who must approve a campaign, and that nothing else goes out than what they approved. */
@Module({
  // Steps are named so that they come first: the gate must see the templates in the version that a launch has just pinned.
  imports: [CampaignsModule, SegmentsModule, StepsModule],
  controllers: [ApprovalPoliciesController, CampaignApprovalsController, MyApprovalsController],
  providers: [
    ApprovalGate,
    ApprovalPoliciesQueries,
    ApprovalPoliciesService,
    ApprovalsQueries,
    ApprovalRequestsService,
    ApprovalsService,
    ContentQueries,
    Rehearsals,
  ],
  exports: [Rehearsals],
})
export class ApprovalsModule implements OnModuleInit {
  constructor(
    private readonly checks: LaunchChecks,
    private readonly lifecycle: CampaignLifecycle,
    private readonly segments: SegmentsService,
    private readonly gate: ApprovalGate,
  ) {}

  onModuleInit(): void {
    this.checks.register(this.gate);
    this.segments.onRulesChanged((tx, tenantId) => this.gate.assertRulesMayChange(tx, tenantId));
    this.lifecycle.on('enrolledByHand', (tx, campaign) => this.gate.assertMayEnter(tx, campaign));
    this.lifecycle.on('resumed', (tx, campaign) => this.gate.assertResumable(tx, campaign));
  }
}
