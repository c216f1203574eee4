import { DomainError, type Problem } from '../shared/domain-error.js';

/** The request does not have the shape the operation asks for; `problems` says where. */
export class InvalidRequestError extends DomainError {
  readonly code = 'invalid_request';
  readonly category = 'malformed' as const;

  constructor(problems: Problem[], message?: string) {
    const [first] = problems;
    super(message ?? (first ? sentence(first, problems.length) : 'The request is malformed.'), problems);
  }
}

function sentence({ path, message }: Problem, count: number): string {
  const more = count > 1 ? ` (and ${count - 1} more ${count === 2 ? 'fault' : 'faults'})` : '';
  return `${path === '' ? 'The body' : path} ${message}${more}.`;
}

export class InvalidJsonError extends DomainError {
  readonly code = 'invalid_json';
  readonly category = 'malformed' as const;

  constructor(reason: string) {
    super(`The body is not valid JSON: ${reason}.`, [{ path: '', message: reason }]);
  }
}

export class BodyTooLargeError extends DomainError {
  readonly code = 'body_too_large';
  readonly category = 'too_large' as const;

  constructor(limit: number) {
    super(`The body is larger than ${Math.floor(limit / 1024)} KiB.`);
  }
}

export class UnsupportedMediaTypeError extends DomainError {
  readonly code = 'unsupported_media_type';
  readonly category = 'unsupported_media' as const;

  constructor(contentType: string | undefined) {
    super(
      contentType
        ? `Content-Type ${JSON.stringify(contentType.slice(0, 100))} is not accepted here; send application/json.`
        : 'The body has no Content-Type; send application/json.',
    );
  }
}

/** The body is compressed, or so its Content-Encoding says: read as it is, it would be nothing but faults. */
export class UnsupportedContentCodingError extends DomainError {
  readonly code = 'unsupported_media_type';
  readonly category = 'unsupported_media' as const;

  constructor(coding: string) {
    super(
      `Content-Encoding ${JSON.stringify(coding.slice(0, 100))} is not accepted here; send the body as it is, without Content-Encoding.`,
    );
  }
}

/** The client takes none of the media types there are. */
export class NotAcceptableError extends DomainError {
  readonly code = 'not_acceptable';
  readonly category = 'not_acceptable' as const;

  constructor(accept: string, offered: string) {
    super(`Accept: ${accept.slice(0, 100)} leaves out ${offered}, and there is nothing else.`);
  }
}

/** `If-Match` names another state of the resource than the present one: somebody changed it in between. */
export class PreconditionFailedError extends DomainError {
  readonly code = 'precondition_failed';
  readonly category = 'precondition_failed' as const;

  constructor() {
    super('The resource has changed since it was read (If-Match does not name its present ETag). Read it again and repeat the change.');
  }
}
