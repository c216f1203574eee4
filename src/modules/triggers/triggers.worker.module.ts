import { Module } from '@nestjs/common';
import { TriggersModule } from './triggers.module.js';
import { TriggersPoller } from './triggers.poller.js';

/** In processes with the role `worker`. */
@Module({ imports: [TriggersModule], providers: [TriggersPoller] })
export class TriggersWorkerModule {}
