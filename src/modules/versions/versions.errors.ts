import { DomainError, type Problem } from '../../shared/domain-error.js';
import { stepLabel } from '../steps/index.js';
import type { Place } from './domain/moves.js';
import type { VersionStatus } from './domain/version.js';

export class VersionNotFoundError extends DomainError {
  readonly code = 'version_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('The campaign has no such version of its steps. Versions begin with the launch.');
  }
}

/** A draft is open already. */
export class DraftOpenError extends DomainError {
  readonly code = 'draft_open';
  readonly category = 'conflict' as const;

  constructor(draft: number) {
    super(`Version ${draft} is a draft already: edit, publish or discard that one first.`, [], { draft });
  }
}

/** The version is in a status that does not allow this. */
export class VersionStateError extends DomainError {
  readonly code = 'version_state';
  readonly category = 'conflict' as const;

  constructor(version: number, status: VersionStatus, done: string, allowed: VersionStatus) {
    super(`Version ${version} is ${status} and cannot be ${done}; only a version that is ${allowed} can.`, [], { currentStatus: status });
  }
}

/** The live version is the one of the launch. */
export class NoVersionBeforeError extends DomainError {
  readonly code = 'no_version_before';
  readonly category = 'conflict' as const;

  constructor(version: number) {
    super(`No version was live before version ${version}: there is nothing to go back to.`);
  }
}

/** The steps a draft says it goes on with, or the places people are sent to, are wrong. Nothing was changed. */
export class VersionInvalidError extends DomainError {
  readonly code = 'version_invalid';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super(`${problems[0].path}: ${problems[0].message}`, problems);
  }
}

/** Contacts are at steps that the other version does not have, and nothing says where they go. Nobody was moved. */
export class PlacementMissingError extends DomainError {
  readonly code = 'placement_missing';
  readonly category = 'unprocessable' as const;

  constructor(target: number, places: readonly Place[]) {
    const total = places.reduce((sum, { contacts }) => sum + contacts, 0);
    super(
      `${people(total)} at steps that version ${target} does not have: say in placements where they go (a step of the version, or "exit").`,
      places.map(({ step, contacts }) => ({
        path: `placements.${step.id}`,
        code: 'placement_missing',
        message: `${people(contacts)} at ${stepLabel(step)} of version ${step.version}.`,
      })),
      {
        steps: places.map(({ step: { id, version, stepName, stepType }, contacts }) => ({
          stepId: id,
          version,
          stepName,
          stepType,
          contacts,
        })),
      },
    );
  }
}

export function people(contacts: number): string {
  return contacts === 1 ? '1 contact waits' : `${contacts} contacts wait`;
}
