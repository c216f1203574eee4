import { isDeepStrictEqual } from 'node:util';
import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { ProblemStatus } from './problem.js';
import { problemExample } from './problem-examples.js';
import { ProblemDto } from './problem.dto.js';
import { RATE_LIMIT_HEADERS, RETRY_AFTER, headerRefs } from './rate-limit-headers.js';

const MEANING = {
  400: 'The request is malformed: `errors` says where.',
  401: 'No valid credential.',
  403: 'The credential does not allow this.',
  404: 'There is no such thing in this tenant.',
  406: '`Accept` leaves out what there is: JSON.',
  409: 'Not possible in the present state; `currentStatus` names it where there is one.',
  412: '`If-Match` is stale: the resource has changed since it was read.',
  413: 'The body is too large.',
  415: 'The Content-Type is not accepted.',
  422: 'Understood, but it cannot be done as asked: `errors` says why.',
  429: 'Too many requests; `Retry-After` says when to come back.',
  503: 'The service cannot answer at the moment; try again.',
} satisfies Record<ProblemStatus, string>;

/** The names of the refusals among the components of the document. */
const NAMES = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  406: 'NotAcceptable',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'ContentTooLarge',
  415: 'UnsupportedMediaType',
  422: 'UnprocessableContent',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
} satisfies Record<ProblemStatus, string>;

/**
 * Documents the refusals of an operation (`application/problem+json`). What every route can answer
 * (401, 403, 406, 429 …) is added by the document itself.
 */
export function ApiProblems(...statuses: ProblemStatus[]): MethodDecorator & ClassDecorator {
  return applyDecorators(ApiExtraModels(ProblemDto), ...statuses.map((status) => ApiResponse({ status, ...problemResponse(status) })));
}

/** The OpenAPI response object of a refusal. */
export function problemResponse(status: ProblemStatus) {
  return {
    description: MEANING[status],
    ...(status === 429 ? { headers: { 'Retry-After': RETRY_AFTER, ...headerRefs(Object.keys(RATE_LIMIT_HEADERS)) } } : {}),
    content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) }, example: problemExample(status) } },
  };
}

/** All refusals by their names, for the components of the document. */
export function problemComponents(): Record<string, ReturnType<typeof problemResponse>> {
  return Object.fromEntries(Object.entries(NAMES).map(([status, name]) => [name, problemResponse(Number(status) as ProblemStatus)]));
}

/** A reference to the component, where a response is that and nothing more. */
export function sharedProblem<T>(status: string, response: T): T | { $ref: string } {
  const usual = status in NAMES && problemResponse(Number(status) as ProblemStatus);
  return usual && isDeepStrictEqual(response, usual)
    ? { $ref: `#/components/responses/${NAMES[Number(status) as ProblemStatus]}` }
    : response;
}
