export { AudienceEnrollment } from './audience-enrollment.service.js';
export { CampaignEntry, type Entrant } from './campaign-entry.service.js';
export { firstDue } from './domain/first-due.js';
export { EnrollmentModule } from './enrollment.module.js';
export { EnrollmentService } from './enrollment.service.js';
export { VersionMoves, type MoveKind, type Standing, type StepMove, type WaitingContact } from './version-moves.queries.js';
export { type Entered } from './entry.queries.js';
export { INSIDE_PARAMS, PeopleInside, type InsideEffect, type Piece } from './people-inside.queries.js';
export { EnrollmentNotFound } from './enrollment.errors.js';
export {
  ENROLLMENT_STATUSES,
  EXIT_REASONS,
  type DueEnrollment,
  type EmailStepResult,
  type EnrollmentMove,
  type EnrollmentSelection,
  type EnrollmentStatus,
  type ExitReason,
} from './enrollment.types.js';
