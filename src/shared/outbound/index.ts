export { attemptToPost, type OutgoingMessage, type TimedAttempt } from './attempt.js';
export { Dispatch, type Dispatched } from './dispatch.js';
export { OutboundFailed, OutboundRefused, type FailureReason, type RefusalReason } from './outbound.errors.js';
export { HostResolver, OutboundGuard, type HostAddress, type UrlPolicy } from './outbound-guard.js';
export { OutboundHttp, type OutboundRequest, type OutboundResponse } from './outbound-http.js';
export { isPublicAddress } from './public-address.js';
export { type Attempt, MAX_ATTEMPTS, retryAfterOf, type Verdict, verdictOf } from './retry.js';
export { newWebhookSecret, signatureHeaders, signingSecretFault, type SignedMessage } from './signature.js';
