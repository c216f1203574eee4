export type { Rehearsal, RehearsedContact } from './domain/report.js';
export { RehearsalModule } from './rehearsal.module.js';
export type { RehearsalRequest } from './rehearsal-loader.js';
export { RehearsalService } from './rehearsal.service.js';
