import { STATUS_CODES } from 'node:http';
import { type ProblemStatus, problemType } from './problem.js';

const WORDS: Record<ProblemStatus, { code: string; detail: string; [member: string]: unknown }> = {
  400: {
    code: 'invalid_request',
    detail: 'email must be one email address of at most 254 characters, without a name.',
    errors: [{ path: 'email', message: 'must be one email address of at most 254 characters, without a name', code: 'isEmailAddress' }],
  },
  401: { code: 'unauthenticated', detail: 'This needs a credential: send the header "Authorization: Bearer <API key>".' },
  403: { code: 'forbidden', detail: 'This needs the permission campaigns:launch, which the role viewer does not have.' },
  404: { code: 'campaign_not_found', detail: 'There is no such campaign.' },
  406: { code: 'not_acceptable', detail: 'Accept: image/png leaves out application/json, and there is nothing else.' },
  409: {
    code: 'campaign_state',
    detail: 'The campaign is draft and cannot be paused; this is possible while it is active.',
    currentStatus: 'draft',
  },
  412: {
    code: 'precondition_failed',
    detail: 'The resource has changed since it was read (If-Match does not name its present ETag). Read it again and repeat the change.',
  },
  413: { code: 'body_too_large', detail: 'The body is too large.' },
  415: { code: 'unsupported_media_type', detail: 'Content-Type "text/plain" is not accepted here; send application/json.' },
  422: {
    code: 'launch_refused',
    detail: 'The campaign cannot be launched: The campaign has no audience: set segmentId.',
    errors: [{ path: 'segmentId', message: 'The campaign has no audience: set segmentId.', code: 'segment_missing' }],
  },
  429: { code: 'rate_limited', detail: 'No more than 600 requests of this credential a minute; try again in 12 seconds.' },
  503: { code: 'service_unavailable', detail: 'The service cannot answer at the moment; try again.' },
};

/** A refusal as it looks with this status. */
export function problemExample(status: ProblemStatus): Record<string, unknown> {
  const { code, detail, ...members } = WORDS[status];
  const instance = 'urn:uuid:0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10';
  return { type: problemType(code), title: STATUS_CODES[status], status, detail, instance, code, ...members };
}
