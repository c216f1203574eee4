import { DomainError, type Problem } from '../../shared/domain-error.js';
import type { CampaignStatus } from './domain/campaign-state.js';
import { isAboutApproval, type LaunchFinding } from './domain/launch-rules.js';

export class CampaignNotFoundError extends DomainError {
  readonly code = 'campaign_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such campaign.');
  }
}

/** The campaign is in a status that does not allow this; `currentStatus` says which. */
export class CampaignStateError extends DomainError {
  readonly code = 'campaign_state';
  readonly category = 'conflict' as const;

  constructor(what: string, currentStatus: CampaignStatus, allowed: readonly CampaignStatus[]) {
    const only = allowed.length === 0 ? '' : `; this is possible while it is ${allowed.join(' or ')}`;
    super(`The campaign is ${currentStatus} and cannot be ${what}${only}.`, [], { currentStatus });
  }
}

/** Somebody changed the campaign or its steps between the checks and the launch or the publication. Neither took place. */
export class CampaignChangedError extends DomainError {
  readonly code = 'campaign_changed';
  readonly category = 'conflict' as const;

  constructor(currentStatus: CampaignStatus) {
    super('The campaign was changed while it was being checked. Nothing was launched or published: look at it again, then repeat.', [], {
      currentStatus,
    });
  }
}

/**
 * The campaign cannot be launched as it is; `problems` lists everything that stands in the way. Nothing was changed. 422, but 409 where nothing is
 * wrong with the campaign and only people's approval is missing.
 */
export class LaunchRefusedError extends DomainError {
  readonly code: 'launch_refused' | 'approval_required';
  readonly category: 'unprocessable' | 'conflict';

  constructor(errors: readonly LaunchFinding[], currentStatus?: CampaignStatus) {
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    super(`The campaign cannot be launched: ${errors[0].message}${more}`, errors.map(toProblem), currentStatus ? { currentStatus } : {});
    const lacksApproval = errors.every(isAboutApproval);
    this.code = lacksApproval ? 'approval_required' : 'launch_refused';
    this.category = lacksApproval ? 'conflict' : 'unprocessable';
  }
}

/** The same of another version of the steps that was to go live. */
export class PublishRefusedError extends DomainError {
  readonly code: 'publish_refused' | 'approval_required';
  readonly category: 'unprocessable' | 'conflict';

  constructor(errors: readonly LaunchFinding[]) {
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    super(`The version cannot be published: ${errors[0].message}${more}`, errors.map(toProblem));
    const lacksApproval = errors.every(isAboutApproval);
    this.code = lacksApproval ? 'approval_required' : 'publish_refused';
    this.category = lacksApproval ? 'conflict' : 'unprocessable';
  }
}

/** The values fit their fields, but not each other or what is stored. */
export class CampaignInvalidError extends DomainError {
  readonly code = 'campaign_invalid';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super(problems.map(({ message }) => message).join(' '), problems);
  }
}

/** Links of this tenant are being checked already. */
export class LinkCheckRunningError extends DomainError {
  readonly code = 'link_check_running';
  readonly category = 'rate_limited' as const;
  readonly retryAfterSeconds = 20;

  constructor() {
    super('Links are being checked already. Wait for that answer, or ask without checkLinks.');
  }
}

function toProblem({ path, message, code }: LaunchFinding): Problem {
  return { path: path ?? '', message, code };
}
