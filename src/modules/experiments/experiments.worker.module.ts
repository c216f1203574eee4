import { Module } from '@nestjs/common';
import { ExperimentsModule } from './experiments.module.js';
import { ExperimentsPoller } from './experiments.poller.js';

/** In processes with the role `worker`. */
@Module({ imports: [ExperimentsModule], providers: [ExperimentsPoller] })
export class ExperimentsWorkerModule {}
