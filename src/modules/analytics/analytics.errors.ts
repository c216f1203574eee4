import { DomainError, type Problem } from '../../shared/domain-error.js';

/** The days of a report cannot be meant: reversed, or too many. */
export class InvalidReportRange extends DomainError {
  readonly code = 'invalid_request';
  readonly category = 'malformed' as const;

  constructor(problem: Problem) {
    super(`${problem.path} ${problem.message}.`, [problem]);
  }
}

/** `Intl` knows the zone, this PostgreSQL server does not (its zone data are older). */
export class UnsupportedTimeZone extends DomainError {
  readonly code = 'invalid_request';
  readonly category = 'malformed' as const;

  constructor(zone: string) {
    super(`The database does not know the time zone ${zone}.`, [
      { path: 'query.timezone', message: `${zone} is not known to the database; name another zone, such as UTC`, code: 'isTimeZone' },
    ]);
  }
}

export class ContactNotInCampaign extends DomainError {
  readonly code = 'enrollment_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('This contact is not enrolled in this campaign.');
  }
}

/** A goal is compared only where the test of the step names the event. */
export class NoGoalEvent extends DomainError {
  readonly code = 'no_goal_event';
  readonly category = 'malformed' as const;

  constructor(stepOrder: number) {
    const message = `The test of step ${stepOrder} names no goalEvent: ask for another metric.`;
    super(message, [{ path: 'query.metric', code: 'no_goal_event', message }]);
  }
}
