import { DomainError, type ErrorCategory } from '../../shared/domain-error.js';

export class EnrollmentNotFound extends DomainError {
  readonly code = 'enrollment_not_found';
  readonly category: ErrorCategory = 'not_found';
  constructor() {
    super('This contact is not enrolled in this campaign.');
  }
}

/** The campaign takes nobody in: it has not been launched, or it has ended. */
export class CampaignNotEnrolling extends DomainError {
  readonly code = 'campaign_not_enrolling';
  readonly category: ErrorCategory = 'conflict';
  constructor(status: string) {
    super(`A campaign takes contacts in while it is active or paused; this one is ${status}.`, [], { currentStatus: status });
  }
}

export class EnrollmentWrongState extends DomainError {
  readonly code = 'enrollment_wrong_state';
  readonly category: ErrorCategory = 'conflict';
  constructor(action: string, status: string) {
    super(`This enrolment cannot be ${action}: it is ${status}.`, [], { currentStatus: status });
  }
}

export class UnknownContacts extends DomainError {
  readonly code = 'unknown_contacts';
  readonly category: ErrorCategory = 'unprocessable';
  constructor(unknown: { index: number; id: string }[]) {
    super(
      'Some of the contacts do not exist; nobody was enrolled.',
      unknown.map(({ index, id }) => ({ path: `contactIds[${index}]`, message: `no contact has the id ${id}`, code: 'unknown_contact' })),
    );
  }
}
