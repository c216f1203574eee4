import { DomainError, type Problem } from '../../shared/domain-error.js';

export class SegmentNotFoundError extends DomainError {
  readonly code = 'segment_not_found';
  readonly category = 'not_found' as const;

  constructor(segmentId: string) {
    super(`There is no segment ${segmentId}.`);
  }
}

/** A well-formed rule that cannot be used: it refers to what is not there, to itself, or to too much. */
export class RuleNotUsableError extends DomainError {
  readonly code = 'rule_not_usable';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super(`The rule cannot be used: ${problems[0].path} ${problems[0].message}.`, problems);
  }
}

export interface SegmentUser {
  id: string;
  name: string;
}

/** Somebody refers to the segment: without it their audience or condition would mean something else, or nothing. */
export class SegmentInUseError extends DomainError {
  readonly code = 'segment_in_use';
  readonly category = 'conflict' as const;

  constructor(usedBy: { campaigns: SegmentUser[]; segments: SegmentUser[] }) {
    const names = [
      ...usedBy.campaigns.map(({ name }) => `the campaign "${name}"`),
      ...usedBy.segments.map(({ name }) => `the segment "${name}"`),
    ];
    super(`The segment cannot be deleted: it is used by ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' and others' : ''}.`, [], {
      usedBy,
    });
  }
}

/** Members are put on the list of a static segment; whoever is in a dynamic one follows from its rules. */
export class SegmentNotStaticError extends DomainError {
  readonly code = 'segment_not_static';
  readonly category = 'conflict' as const;

  constructor() {
    super('The segment is dynamic: who belongs to it follows from its rules. Only a static segment has a list of members.');
  }
}

export class UnknownMembersError extends DomainError {
  readonly code = 'unknown_contacts';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super(`${problems.length} of the ids name no contact of yours. Nothing was changed.`, problems);
  }
}

/** The database gave up counting. Not the server's fault alone, and not worth trying again at once: a narrower rule helps. */
export class SegmentTooSlowError extends DomainError {
  readonly code = 'segment_too_slow';
  readonly category = 'unavailable' as const;
  readonly retryAfterSeconds = 30;

  constructor(seconds: number, options: { cause: unknown }) {
    super(`Finding the contacts took longer than ${seconds} s. Make the rule narrower, or try again when there is less to do.`);
    this.cause = options.cause;
  }
}
