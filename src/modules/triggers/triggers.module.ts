import { Module, type OnModuleInit } from '@nestjs/common';
import { CampaignLifecycle, CampaignsModule, LaunchChecks } from '../campaigns/index.js';
import { ContactsModule } from '../contacts/index.js';
import { EnrollmentModule } from '../enrollment/index.js';
import { SegmentsModule } from '../segments/index.js';
import { StepsModule } from '../steps/index.js';
import { Handovers } from './handovers.service.js';
import { TriggerEventsQueries } from './trigger-events.queries.js';
import { TriggerEvents } from './trigger-events.service.js';
import { TriggersLaunchCheck } from './triggers.launch-check.js';
import { Waits } from './waits.service.js';
import { WatchesQueries } from './watches.queries.js';
import { Watches } from './watches.service.js';

/** What lets people into campaigns that are running, on inside them, and out: events, segments, conditions. */
@Module({
  imports: [ContactsModule, CampaignsModule, SegmentsModule, StepsModule, EnrollmentModule],
  providers: [TriggerEventsQueries, TriggerEvents, TriggersLaunchCheck, Waits, Handovers, WatchesQueries, Watches],
  exports: [TriggerEvents, Watches, Waits, Handovers],
})
export class TriggersModule implements OnModuleInit {
  constructor(
    private readonly checks: LaunchChecks,
    private readonly lifecycle: CampaignLifecycle,
    private readonly check: TriggersLaunchCheck,
    private readonly events: TriggerEventsQueries,
  ) {}

  onModuleInit(): void {
    this.checks.register(this.check);
    for (const end of ['completed', 'cancelled'] as const)
      this.lifecycle.on(end, (tx, { tenantId, id }) => this.events.replaceListeners(tx, tenantId, id, []));
  }
}
