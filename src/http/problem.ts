import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { sqlState } from '../database/index.js';
import { DomainError, type ErrorCategory, type Problem } from '../shared/domain-error.js';

/** The one place that says which refusal is which status. */
export const STATUS_OF_CATEGORY = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  not_acceptable: 406,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media: 415,
  unprocessable: 422,
  rate_limited: 429,
  unavailable: 503,
} satisfies Record<ErrorCategory, number>;

/** What an error becomes for the client, before it is given an instance id. */
export interface Refusal {
  status: number;
  code: string;
  detail: string;
  problems: Problem[];
  extensions: Record<string, unknown>;
  headers: Record<string, string>;
}

/** The `type` of a problem document. */
export function problemType(code: string): string {
  return `urn:campaign-engine:problem:${code}`;
}

/** RFC 9457, ready to be sent as `application/problem+json`. */
export function problemDocument(refusal: Refusal, instance: string): Record<string, unknown> {
  const { status, code, detail, extensions } = refusal;
  // A malformed request always says where: without a place of its own, the request as a whole.
  const problems = refusal.problems.length === 0 && status === 400 ? [{ path: '', message: detail }] : refusal.problems;
  return {
    ...extensions,
    type: problemType(code),
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    instance,
    code,
    ...(problems.length > 0 ? { errors: problems } : {}),
  };
}

/** Says what an error means to a client. What is not known to be the client's doing is a 500 that tells nothing. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof DomainError) return ofDomainError(error);
  if (error instanceof HttpException) return ofHttpException(error);
  return (
    ofFastifyError(error) ?? ofDatabaseError(error) ?? refusal(500, 'internal', 'Something went wrong on our side. It has been logged.')
  );
}

function ofDomainError(error: DomainError): Refusal {
  const status = STATUS_OF_CATEGORY[error.category];
  const headers: Record<string, string> = {};
  const { retryAfterSeconds, challenge = 'Bearer realm="campaign-engine"' } = error as { retryAfterSeconds?: number; challenge?: string };
  if (status === 401) headers['www-authenticate'] = challenge;
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  else if (status === 429 || status === 503) headers['retry-after'] = '5';
  return { status, code: error.code, detail: error.message, problems: error.problems, extensions: error.extensions, headers };
}

function ofHttpException(error: HttpException): Refusal {
  const status = error.getStatus();
  const fastify = error.cause === undefined ? null : ofFastifyError(error.cause);
  if (fastify) return fastify;
  if (status >= 500) return refusal(status, 'internal', STATUS_CODES[status] ?? 'Error');
  return refusal(status, codeOfStatus(status), error.message);
}

const FASTIFY_DETAIL: Record<string, string> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is shorter than its Content-Length says.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'This Content-Type is not accepted; send application/json.',
  FST_ERR_CTP_EMPTY_TYPE: 'The body has no Content-Type; send application/json.',
  FST_ERR_BAD_URL: 'The URL is malformed.',
};

function ofFastifyError(error: unknown): Refusal | null {
  const { code, statusCode, message } = error as { code?: unknown; statusCode?: unknown; message?: string };
  if (typeof code !== 'string' || !code.startsWith('FST_') || typeof statusCode !== 'number' || statusCode >= 500) return null;
  const found = refusal(statusCode, codeOfStatus(statusCode), FASTIFY_DETAIL[code] ?? message ?? 'The request is malformed.');
  return code === 'FST_ERR_BAD_URL' ? { ...found, problems: [{ path: 'url', message: 'is malformed' }] } : found;
}

function codeOfStatus(status: number): string {
  const names: Record<number, string> = { 400: 'invalid_request', 413: 'body_too_large', 415: 'unsupported_media_type' };
  return names[status] ?? (STATUS_CODES[status] ?? 'error').toLowerCase().replace(/[^a-z]+/g, '_');
}

/** Classes and codes of PostgreSQL (appendix A of its manual). Without the server's text: it may quote rows. */
function ofDatabaseError(error: unknown): Refusal | null {
  const state = sqlState(error);
  if (state === undefined) return null;
  if (state === '23505') return refusal(409, 'already_exists', 'There is already such a thing.');
  if (state === '23503') return refusal(409, 'reference_conflict', 'Something else refers to it, or what it refers to is gone.');
  // 22P02 not a UUID or JSON, 22021 NUL, 22P05 untranslatable, 22003 number and 22008 date out of range, 22001 too long, 54… beyond a limit.
  if (/^(?:22|54)/.test(state)) return refusal(400, 'invalid_value', 'A value in the request cannot be stored.');
  if (state === '40001' || state === '40P01') return unavailable('Too much was going on at once. Nothing was changed; try again.');
  if (state === '57014') return unavailable('It took too long and was stopped. Nothing was changed.');
  if (/^(?:08|53|57P)/.test(state) || /^E(?:CONN|PIPE|TIMEDOUT|HOSTUNREACH)/.test(state)) {
    return unavailable('The database cannot be reached at the moment. Try again in a few seconds.');
  }
  return null;
}

function unavailable(detail: string): Refusal {
  return { ...refusal(503, 'unavailable', detail), headers: { 'retry-after': '5' } };
}

function refusal(status: number, code: string, detail: string): Refusal {
  return { status, code, detail, problems: [], extensions: {}, headers: {} };
}

/** What an operation may be documented to refuse with. */
export type ProblemStatus = 400 | 401 | 403 | 404 | 406 | 409 | 412 | 413 | 415 | 422 | 429 | 503;
