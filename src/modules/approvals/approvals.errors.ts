import { DomainError, type Problem } from '../../shared/domain-error.js';
import type { LaunchFinding } from '../campaigns/index.js';
import type { ContentPart } from './domain/content.js';

export class ApprovalNotFoundError extends DomainError {
  readonly code = 'approval_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such approval of this campaign.');
  }
}

export class ApprovalPolicyNotFoundError extends DomainError {
  readonly code = 'approval_policy_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such approval policy.');
  }
}

export class ApprovalPolicyConflictError extends DomainError {
  readonly code = 'approval_policy_conflict';
  readonly category = 'conflict' as const;
}

/** What is asked for cannot be approved as asked; `problems` says why. */
export class ApprovalRequestInvalidError extends DomainError {
  readonly code = 'approval_request_invalid';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super(problems.map(({ message }) => message).join(' '), problems);
  }
}

/** What could not go out anyhow need not be approved: mending it would void the approval. */
export class ApprovalUselessError extends DomainError {
  readonly code = 'launch_refused';
  readonly category = 'unprocessable' as const;

  constructor(errors: readonly LaunchFinding[]) {
    const problems = errors.map(({ path = '', code, message }) => ({ path, code, message }));
    super(`There is something to mend before anybody should approve it: ${errors[0].message}`, problems);
  }
}

/** It is decided, withdrawn, or asked for already. */
export class ApprovalStateError extends DomainError {
  readonly code = 'approval_state';
  readonly category = 'conflict' as const;

  constructor(message: string, currentStatus: string) {
    super(message, [], { currentStatus });
  }
}

/** The campaign is not any more what the approval was asked for. */
export class ApprovalVoidError extends DomainError {
  readonly code = 'approval_void';
  readonly category = 'conflict' as const;

  constructor(changed: readonly ContentPart[], what = 'The approval was asked for something else than the campaign is now') {
    super(
      `${what}: ${changed.join(', ')} changed. Ask for approval again.`,
      changed.map((part) => ({ path: part, code: 'approval_void', message: `The ${part} changed.` })),
      { changed },
    );
  }
}

/** People have approved whom a campaign takes in, and it is taking them in. */
export class AudienceApprovedError extends DomainError {
  readonly code = 'audience_approved';
  readonly category = 'conflict' as const;

  constructor(name: string, campaignId: string) {
    super(
      `The running campaign "${name}" takes in whom these rules name, and that was approved. Pause it first; it goes on once the new rules are approved.`,
      [],
      { campaignId },
    );
  }
}

/** More people than were approved, or so many that somebody would have to approve it, would be in a running campaign. */
export class AudienceOutgrownError extends DomainError {
  readonly code = 'audience_outgrown';
  readonly category = 'conflict' as const;

  constructor(present: number, approved: number | null) {
    const why =
      approved === null
        ? `${present} people would be in the campaign, and for so many it needs an approval that it does not have`
        : `The campaign runs on an approval for an audience of ${approved}, and ${present} would be in it`;
    super(`${why}: nobody was enrolled. Write to the others by a campaign of their own.`);
  }
}

/** Who they are keeps them from deciding this: their role, or their own part in the campaign. */
export class MayNotDecideError extends DomainError {
  readonly code: string;
  readonly category = 'forbidden' as const;

  constructor(code: 'approver_unknown' | 'four_eyes' | 'not_an_approver', message: string) {
    super(message);
    this.code = code;
  }
}
