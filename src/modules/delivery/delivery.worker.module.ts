import { Module } from '@nestjs/common';
import { TrackingModule } from '../tracking/index.js';
import { DeliveryModule } from './delivery.module.js';
import { DeliveryPoller } from './delivery.poller.js';
import { DeliveryProcessor } from './delivery.processor.js';

/** In processes with the role `worker`. */
@Module({ imports: [DeliveryModule, TrackingModule], providers: [DeliveryProcessor, DeliveryPoller] })
export class DeliveryWorkerModule {}
