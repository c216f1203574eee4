export { ApiProblems, problemResponse } from './api-problems.js';
export type { ProblemStatus } from './problem.js';
export { type AddressedRequest, clientAddress, networkOf } from './client-address.js';
export { DirectRoutes } from './direct-routes.js';
export { AnswersEtag, WithEtag } from './etag.interceptor.js';
export { IfMatch, assertIfMatch, etagOf } from './etag.js';
export {
  BodyTooLargeError,
  InvalidJsonError,
  InvalidRequestError,
  PreconditionFailedError,
  UnsupportedMediaTypeError,
} from './http.errors.js';
export { HealthChecks, type HealthCheck } from './health-checks.js';
export { HttpModule } from './http.module.js';
export { createHttpAdapter, registerHttp } from './http-server.js';
export { IdParam } from './id-param.js';
export { Metrics, type Sample } from './metrics.js';
export { buildDocument } from './openapi-document.js';
export { describeKinds, namedUnion } from './openapi-schema.js';
export { PageQuery } from './page-query.dto.js';
export {
  PageDto,
  decodeCursor,
  decodeIdCursor,
  encodeCursor,
  invalidCursor,
  keysetPage,
  type Cursor,
  type CursorValue,
} from './pagination.js';
export { ProblemDto, ProblemEntryDto } from './problem.dto.js';
export { PUBLIC, Public, UNLIMITED, Unlimited } from './public.js';
export { ReplayedAnswer } from './replayed-answer.js';
export { RouteTable } from './route-table.js';
export { RequestValidationPipe } from './validation.pipe.js';
export { problemDocument, refusalOf, type Refusal } from './problem.js';
export { BoolQuery, DayQuery, InstantQuery, IntQuery, ListQuery } from './query.js';
export { findJsonFault, joinPath, textFault } from './text.js';
export {
  IsDay,
  IsEmailAddress,
  IsHeaderText,
  IsInstant,
  IsNotBlank,
  IsSingleLine,
  IsTimeZone,
  Omittable,
  isDay,
  isEmailAddress,
  isHeaderText,
  isTimeZone,
  parseInstant,
} from './validators.js';
