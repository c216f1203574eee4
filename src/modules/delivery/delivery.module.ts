import { Module, type OnModuleInit } from '@nestjs/common';
import { QueueModule } from '../../queue/index.js';
import { CampaignsModule, LaunchChecks } from '../campaigns/index.js';
import { ContactsEvents, ContactsModule } from '../contacts/index.js';
import { TriggersModule } from '../triggers/index.js';
import { EnrollmentModule } from '../enrollment/index.js';
import { MailModule, ProviderAccountsService } from '../mail/index.js';
import { StepsModule } from '../steps/index.js';
import { ContentModule } from '../templates/index.js';
import { TrackingModule, TrackingService, WebhookAccounts } from '../tracking/index.js';
import { BreakerQueries } from './breaker.queries.js';
import { BreakerService } from './breaker.service.js';
import { CampaignGuard } from './campaign-guard.service.js';
import { ClaimService } from './claim.service.js';
import { followErasures } from './contact-listeners.js';
import { deliveryQueue } from './delivery.jobs.js';
import { DeliveryMetrics } from './delivery.metrics.js';
import { DeliveryQueries } from './delivery.queries.js';
import { DeliveryService } from './delivery.service.js';
import { EventApplier } from './event-applier.service.js';
import { EventQueries } from './event.queries.js';
import { HitJudge } from './hit-judge.js';
import { GateService } from './gate.service.js';
import { Ledger } from './ledger.js';
import { LedgerQueries } from './ledger.queries.js';
import { MailCounters } from './mail-counters.js';
import { MessageComposer } from './message-composer.js';
import { Outlets } from './outlets.js';
import { Pacer } from './pacer.service.js';
import { PacingController } from './pacing.controller.js';
import { PacingLaunchCheck } from './pacing.launch-check.js';
import { PacingQueries } from './pacing.queries.js';
import { PacingService } from './pacing.service.js';
import { RecoveryQueries } from './recovery.queries.js';
import { RecoveryService } from './recovery.service.js';
import { SettlementService } from './settlement.service.js';
import { VersionLedger } from './version-ledger.queries.js';

@Module({
  imports: [
    QueueModule.register(deliveryQueue),
    CampaignsModule,
    ContactsModule,
    EnrollmentModule,
    TriggersModule,
    MailModule,
    StepsModule,
    ContentModule,
    TrackingModule,
  ],
  controllers: [PacingController],
  providers: [
    BreakerQueries,
    BreakerService,
    CampaignGuard,
    ClaimService,
    DeliveryMetrics,
    DeliveryQueries,
    DeliveryService,
    EventApplier,
    EventQueries,
    GateService,
    HitJudge,
    Ledger,
    LedgerQueries,
    MailCounters,
    MessageComposer,
    Outlets,
    Pacer,
    PacingLaunchCheck,
    PacingQueries,
    PacingService,
    RecoveryQueries,
    RecoveryService,
    SettlementService,
    VersionLedger,
  ],
  exports: [DeliveryService, Ledger, PacingService, VersionLedger, TrackingModule],
})
export class DeliveryModule implements OnModuleInit {
  constructor(
    private readonly checks: LaunchChecks,
    private readonly pacing: PacingLaunchCheck,
    private readonly webhooks: WebhookAccounts,
    private readonly accounts: ProviderAccountsService,
    private readonly contacts: ContactsEvents,
    private readonly events: EventQueries,
    private readonly tracking: TrackingService,
  ) {}

  onModuleInit(): void {
    this.checks.register(this.pacing);
    followErasures(this.contacts, this.events, this.tracking);
    this.webhooks.register((key) => this.accounts.webhookAccount(key));
  }
}
