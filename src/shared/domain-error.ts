/** What kind of refusal an error is; `http/` maps every category to one status in an exhaustive table. */
export type ErrorCategory =
  | 'malformed' // 400: the request itself is wrong
  | 'unauthenticated' // 401
  | 'forbidden' // 403
  | 'not_found' // 404
  | 'not_acceptable' // 406: no answer in any of the media types asked for
  | 'conflict' // 409: not in this state
  | 'precondition_failed' // 412: stale If-Match
  | 'too_large' // 413
  | 'unsupported_media' // 415
  | 'unprocessable' // 422: understood, but cannot be done as asked
  | 'rate_limited' // 429
  | 'unavailable'; // 503

/** One fault in the input: `path` as a JSON path into the body or `query.x` / `params.x`, `message` for people. */
export interface Problem {
  path: string;
  message: string;
  /** Stable machine-readable name, where one is useful (`unknown_operator`, `dangling_branch`). */
  code?: string;
}

/**
 * Every expected refusal of the product. Services throw subclasses; nothing below the controllers knows HTTP.
 * `code` is stable and part of the API (`type` of the problem document is derived from it).
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;
  abstract readonly category: ErrorCategory;

  constructor(
    message: string,
    /** Faults by path; become `errors[]` of the problem document. */
    readonly problems: Problem[] = [],
    /** Extra members of the problem document, e.g. `{ currentStatus: 'paused' }`. Never secrets. */
    readonly extensions: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = new.target.name;
  }
}
