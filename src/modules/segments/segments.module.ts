import { Module } from '@nestjs/common';
import { ContactsModule } from '../contacts/index.js';
import { SegmentAudienceQueries } from './segment-audience.queries.js';
import { SegmentAudienceService } from './segment-audience.service.js';
import { SegmentRules } from './segment-rules.js';
import { SegmentsController } from './segments.controller.js';
import { SegmentsQueries } from './segments.queries.js';
import { SegmentsService } from './segments.service.js';

/** Who gets what: rule trees, saved segments, and both as SQL. */
@Module({
  imports: [ContactsModule],
  controllers: [SegmentsController],
  providers: [SegmentsService, SegmentAudienceService, SegmentRules, SegmentsQueries, SegmentAudienceQueries],
  exports: [SegmentsService],
})
export class SegmentsModule {}
