import { DomainError } from '../shared/domain-error.js';

/** No connection could be had in time: the server is away or every connection is in use. Nothing was done; trying again later is safe. */
export class DatabaseUnavailableError extends DomainError {
  readonly code = 'database_unavailable';
  readonly category = 'unavailable' as const;

  constructor(options?: { cause: unknown }) {
    super('The database cannot be reached at the moment. Nothing was changed; try again in a few seconds.');
    if (options) this.cause = options.cause;
  }
}

/** The database cannot be used as configured. Its message is one line for the person who starts the process. */
export class DatabaseSetupError extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'DatabaseSetupError';
  }
}

/** SQLSTATE of an error from pg or TypeORM, which wraps it. */
export function sqlState(error: unknown): string | undefined {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  const state = driverError?.code ?? code;
  return typeof state === 'string' ? state : undefined;
}
