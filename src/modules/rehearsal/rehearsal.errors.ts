import { DomainError, type Problem } from '../../shared/domain-error.js';

/** The process rehearses as much as it may at this moment. */
export class RehearsalBusyError extends DomainError {
  readonly code = 'rehearsal_busy';
  readonly category = 'rate_limited' as const;
  readonly retryAfterSeconds = 5;

  constructor() {
    super('Other rehearsals are running. Wait for their answers, then ask again.');
  }
}

/** Finding the audience or going through the flow took too long. Nothing was changed. */
export class RehearsalTooSlowError extends DomainError {
  readonly code = 'rehearsal_too_slow';
  readonly category = 'unavailable' as const;
  readonly retryAfterSeconds = 30;

  constructor(seconds: number, options?: { cause: unknown }) {
    super(`The rehearsal took longer than ${seconds} s. Ask for a smaller sample, or try again when there is less to do.`);
    this.cause = options?.cause;
  }
}

/** The campaign, or what was asked about it, cannot be rehearsed; `problems` says why. */
export class RehearsalRefusedError extends DomainError {
  readonly code = 'rehearsal_refused';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    super(`${problems[0].message}${more}`, problems);
  }
}
