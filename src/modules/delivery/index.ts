export { DELIVERY_QUEUE, deliveryQueue, type DeliveryJobs } from './delivery.jobs.js';
export { DeliveryModule } from './delivery.module.js';
export { DeliveryService } from './delivery.service.js';
export { type CampaignWithMail, type PlannedEmail } from './delivery.types.js';
export { DeliveryWorkerModule } from './delivery.worker.module.js';
export { type LedgerCounts, type LedgerStatus } from './domain/ledger-state.js';
export { Email } from './entities/email.entity.js';
export { Ledger } from './ledger.js';
