import { ApiProperty } from '@nestjs/swagger';
/** One fault in the request. */
export class ProblemEntryDto {
  /**
   * Where: a path into the body (`steps[2].name`; empty for the body as a whole), or `query.limit`, `params.id`, `headers.if-match`.
   * @example "fromEmail"
   */
  path: string;

  /**
   * What is wrong, for people.
   * @example "must be one email address of at most 254 characters, without a name"
   */
  message: string;

  /**
   * A stable name of the fault, where there is one.
   * @example "isEmailAddress"
   */
  code?: string;
}

/** An error as RFC 9457 has it (`application/problem+json`). Some errors carry further members, such as `currentStatus`. */
export class ProblemDto {
  /**
   * Identifies the kind of problem; stable.
   * @example "urn:campaign-engine:problem:invalid_request"
   */
  type: string;

  /**
   * The meaning of the status.
   * @example "Bad Request"
   */
  title: string;

  /** @example 400 */
  @ApiProperty({ type: 'integer' })
  status: number;

  /**
   * What happened, for people.
   * @example "fromEmail must be one email address of at most 254 characters, without a name."
   */
  detail: string;

  /**
   * Names this very occurrence; the log has it too.
   * @example "urn:uuid:0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10"
   */
  instance: string;

  /**
   * The last part of `type`.
   * @example "invalid_request"
   */
  code: string;

  /** Every fault found in the request. */
  errors?: ProblemEntryDto[];
}
