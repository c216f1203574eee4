import { DomainError, type Problem } from '../../shared/domain-error.js';

/** The step has no variants, or not this one. */
export class WinnerInvalidError extends DomainError {
  readonly code = 'winner_invalid';
  readonly category = 'unprocessable' as const;

  constructor(problem: Problem) {
    super(problem.message, [problem]);
  }
}
