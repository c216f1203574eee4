import { DomainError, type ErrorCategory, type Problem } from '../../shared/domain-error.js';

export class StepNotFoundError extends DomainError {
  readonly code = 'step_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such step in this campaign.');
  }
}

export class VariantNotFoundError extends DomainError {
  readonly code = 'variant_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such variant of this step.');
  }
}

/** A step, or the flow it would become part of, is wrong; `problems` says where. Nothing was saved. */
export class StepInvalidError extends DomainError {
  readonly code = 'step_invalid';

  constructor(
    /** `malformed` for a step that is wrong in itself, `unprocessable` for what it refers to or leads to. */
    readonly category: Extract<ErrorCategory, 'malformed' | 'unprocessable'>,
    problems: Problem[],
  ) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    super(`${problems[0].path ? `${problems[0].path}: ` : ''}${problems[0].message}${more}`, problems);
  }
}

/** Other steps lead to this one or ask about it. */
export class StepInUseError extends DomainError {
  readonly code = 'step_in_use';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[], users: string[]) {
    super(`The step cannot be deleted: ${users.join(', ')} refer to it. Point them elsewhere first.`, problems);
  }
}

/** A test message cannot be sent as the campaign stands. */
export class TestSendRefusedError extends DomainError {
  readonly code = 'test_send_refused';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super(problems[0].message, problems);
  }
}
