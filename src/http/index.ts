export { ApiProblems, problemResponse, type ProblemStatus } from './api-problems.js';
export { IfMatch, assertIfMatch, etagOf } from './etag.js';
export {
  BodyTooLargeError,
  InvalidJsonError,
  InvalidRequestError,
  PreconditionFailedError,
  UnsupportedMediaTypeError,
} from './http.errors.js';
export { IdParam } from './id-param.js';
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
export { PUBLIC, Public } from './public.js';
export { BoolQuery, DayQuery, InstantQuery, IntQuery, ListQuery } from './query.js';
export { findJsonFault, joinPath, textFault } from './text.js';
export {
  IsDay,
  IsEmailAddress,
  IsHeaderText,
  IsInstant,
  IsNotBlank,
  IsTimeZone,
  isDay,
  isEmailAddress,
  isHeaderText,
  isTimeZone,
  parseInstant,
} from './validators.js';
