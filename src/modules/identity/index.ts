export { Public } from '../../http/index.js';
export { Can } from './access.decorators.js';
export { AuditService, type AuditEntry } from './audit.service.js';
export { PERMISSIONS, ROLES, can, permissionsOf, type Permission, type Role } from './domain/permissions.js';
export { Ctx, systemContext, type TenantContext } from './tenant-context.js';
