import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ProblemDto } from './problem.dto.js';

export type ProblemStatus = 400 | 401 | 403 | 404 | 406 | 409 | 412 | 413 | 415 | 422 | 429 | 503;

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
    content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } },
  };
}
