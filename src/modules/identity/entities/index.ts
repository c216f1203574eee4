export { ApiKey } from './api-key.entity.js';
export { AuditLog } from './audit-log.entity.js';
export { IdempotencyKey } from './idempotency-key.entity.js';
export { RateLimit } from './rate-limit.entity.js';
export { Tenant } from './tenant.entity.js';
export { User } from './user.entity.js';
export { Workspace } from './workspace.entity.js';
