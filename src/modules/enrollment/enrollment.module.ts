import { Module, type OnModuleInit } from '@nestjs/common';
import { CampaignControlService, CampaignLifecycle, CampaignsModule } from '../campaigns/index.js';
import { ContactsEvents, ContactsModule } from '../contacts/index.js';
import { SegmentsModule } from '../segments/index.js';
import { StepsModule } from '../steps/index.js';
import { Clock } from '../../shared/clock.js';
import { followContacts } from './contact-listeners.js';
import { AudienceEnrollment } from './audience-enrollment.service.js';
import { CampaignEntry } from './campaign-entry.service.js';
import { EnrollmentApiQueries } from './enrollment-api.queries.js';
import { EnrollmentApiService } from './enrollment-api.service.js';
import { EnrollmentController } from './enrollment.controller.js';
import { EnrollmentEngineQueries } from './enrollment-engine.queries.js';
import { EnrollmentService } from './enrollment.service.js';
import { EntryQueries } from './entry.queries.js';
import { PeopleInside } from './people-inside.queries.js';
import { VersionMoves } from './version-moves.queries.js';

@Module({
  imports: [CampaignsModule, ContactsModule, SegmentsModule, StepsModule],
  controllers: [EnrollmentController],
  providers: [
    EnrollmentEngineQueries,
    EnrollmentApiQueries,
    EnrollmentService,
    EnrollmentApiService,
    AudienceEnrollment,
    EntryQueries,
    CampaignEntry,
    PeopleInside,
    VersionMoves,
  ],
  exports: [EnrollmentService, AudienceEnrollment, CampaignEntry, PeopleInside, VersionMoves],
})
export class EnrollmentModule implements OnModuleInit {
  constructor(
    private readonly enrollments: EnrollmentService,
    private readonly lifecycle: CampaignLifecycle,
    private readonly contacts: ContactsEvents,
    private readonly control: CampaignControlService,
    private readonly clock: Clock,
  ) {}

  /** Campaigns and contacts stand below and cannot call enrolments: they tell, in their own transaction, and enrolments follow. */
  onModuleInit(): void {
    this.lifecycle.on('resumed', async (tx, campaign, { policy, at, pausedAt }) => {
      if (policy !== 'shift') return;
      await this.enrollments.shiftDueTimes(tx, campaign.tenantId, campaign.id, at.getTime() - pausedAt.getTime());
    });
    followContacts(this.contacts, this.enrollments, this.clock);
    this.contacts.onSuppressionsCommitted((tenantId) => this.control.waitForGates(tenantId));
  }
}
