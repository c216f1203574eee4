import { DomainError, type Problem } from '../../shared/domain-error.js';

export class ContactNotFoundError extends DomainError {
  readonly code = 'contact_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('There is no such contact.');
  }
}

/** The address belongs to another contact of this tenant; `existingId` says to which. */
export class ContactExistsError extends DomainError {
  readonly code = 'contact_exists';
  readonly category = 'conflict' as const;

  constructor(existingId: string) {
    super('Another contact has this address (case does not matter). Change that one instead.', [{ path: 'email', message: 'is taken' }], {
      existingId,
    });
  }
}

/** The address may not be mailed for another reason than the person's own unsubscribing, which only the suppression list can lift. */
export class ContactSuppressedError extends DomainError {
  readonly code = 'contact_suppressed';
  readonly category = 'conflict' as const;

  constructor(reason: string) {
    super(
      `The address is on the suppression list (${reason}), so the contact cannot be subscribed. Take it off that list first, if that is right.`,
      [{ path: 'subscribed', message: 'cannot become true while the address is suppressed' }],
      { suppressionReason: reason },
    );
  }
}

/** An event names somebody who is not a contact of this tenant; nothing was recorded. */
export class UnknownEventContactError extends DomainError {
  readonly code = 'unknown_contact';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super('The event names nobody who is a contact of yours: create or import the contact first.', problems);
  }
}

/** Something in the input no contact can have. */
export class InvalidContactError extends DomainError {
  readonly code = 'invalid_contact';
  readonly category = 'malformed' as const;

  constructor(problems: Problem[]) {
    super(`${problems[0].path} ${problems[0].message}.`, problems);
  }
}

/** How many rows had which end, `rejected` among them. */
export type ImportedSoFar = { rejected: number } & Record<string, number>;

function soFar({ rejected: _, ...ends }: ImportedSoFar): string {
  const rows = Object.values(ends).reduce((sum, count) => sum + count, 0);
  const told = Object.entries(ends).map(([end, count]) => `${count} ${end}`);
  return rows === 0
    ? 'Nothing was imported.'
    : `${rows} rows before it were imported (${told.join(', ')}); importing the mended file again is safe.`;
}

/** The file cannot be read from some row on. */
export class ImportFaultError extends DomainError {
  readonly code = 'unreadable_import';
  readonly category = 'malformed' as const;

  constructor(row: number, message: string, imported: ImportedSoFar) {
    super(`Row ${row}: ${message}. ${soFar(imported)}`, [{ path: `rows[${row}]`, message }], { row, imported });
  }
}

export class ImportTooLargeError extends DomainError {
  readonly code = 'import_too_large';
  readonly category = 'too_large' as const;

  constructor(message: string, imported: ImportedSoFar) {
    super(`${message} ${soFar(imported)}`, [], { imported });
  }
}

export class ImportTypeError extends DomainError {
  readonly code = 'unsupported_import_type';
  readonly category = 'unsupported_media' as const;

  constructor() {
    super('An import is text/csv or application/x-ndjson: say which in Content-Type and send the file itself as the body.');
  }
}

/** The database or the connection failed under way. */
export class ImportInterruptedError extends DomainError {
  readonly code = 'import_interrupted';
  readonly category = 'unavailable' as const;

  constructor(imported: ImportedSoFar, cause: unknown) {
    super(`The import was interrupted. ${soFar(imported)}`, [], { imported });
    this.cause = cause;
  }
}

export class SuppressionNotFoundError extends DomainError {
  readonly code = 'suppression_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('The address is not on the suppression list.');
  }
}

/** The person said no, and whoever takes that away must mean it: `force` and `detail` are needed. */
export class SuppressionProtectedError extends DomainError {
  readonly code = 'suppression_protected';
  readonly category = 'conflict' as const;

  constructor(reason: string, missing: Problem[]) {
    super(
      `The address is suppressed as "${reason}": that is a person's own word. To lift it all the same, say force=true and give the reason in detail.`,
      missing,
      { suppressionReason: reason },
    );
  }
}
