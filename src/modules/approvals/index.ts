export { ApprovalsModule } from './approvals.module.js';
export { Rehearsals } from './rehearsals.js';
