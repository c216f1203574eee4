export { Handovers } from './handovers.service.js';
export { TriggerEvents } from './trigger-events.service.js';
export { TriggersModule } from './triggers.module.js';
export { TriggersWorkerModule } from './triggers.worker.module.js';
export { Waits } from './waits.service.js';
export { Watches } from './watches.service.js';
