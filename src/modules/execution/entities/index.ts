export { CALL_STATUSES, StepCall, type CallStatus } from './step-call.entity.js';
