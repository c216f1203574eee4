import { Module } from '@nestjs/common';
import { ContactsModule } from '../contacts/index.js';
import { HitBuffer } from './hit-buffer.js';
import { HitsService } from './hits.service.js';
import { LinkDirectory } from './link-directory.js';
import { TrackingController } from './tracking.controller.js';
import { TrackingQueries } from './tracking.queries.js';
import { TrackingService } from './tracking.service.js';
import { TrackingTokens } from './tracking-tokens.js';
import { UnsubscribeController } from './unsubscribe.controller.js';
import { UnsubscribeService } from './unsubscribe.service.js';

@Module({
  imports: [ContactsModule],
  controllers: [TrackingController, UnsubscribeController],
  providers: [TrackingQueries, TrackingService, TrackingTokens, LinkDirectory, HitBuffer, HitsService, UnsubscribeService],
  exports: [TrackingService, TrackingTokens],
})
export class TrackingModule {}
