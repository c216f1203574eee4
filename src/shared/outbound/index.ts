export { OutboundFailed, OutboundRefused, type FailureReason, type RefusalReason } from './outbound.errors.js';
export { HostResolver, OutboundGuard, type HostAddress, type UrlPolicy } from './outbound-guard.js';
export { OutboundHttp, type OutboundRequest, type OutboundResponse } from './outbound-http.js';
export { isPublicAddress } from './public-address.js';
