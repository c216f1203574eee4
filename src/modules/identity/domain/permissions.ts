/** Who somebody is in a tenant. A user has one role; an API key has one or more. */
export const ROLES = ['owner', 'admin', 'campaign_manager', 'compliance_officer', 'analyst', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** Everything a route may ask for. `…:read` reads, `…:write` creates, changes and deletes. */
export const PERMISSIONS = [
  /** Who am I? Everybody may ask. */
  'self:read',
  'campaigns:read',
  'campaigns:write',
  /** Launch, schedule, pause, resume, cancel: what makes mail go out or stops it. */
  'campaigns:launch',
  'approvals:read',
  /** Submit a campaign, or withdraw it. */
  'approvals:write',
  /** Approve or reject. */
  'approvals:decide',
  'enrollments:read',
  'enrollments:write',
  'contacts:read',
  'contacts:write',
  'segments:read',
  'segments:write',
  'templates:read',
  'templates:write',
  'events:write',
  'suppressions:read',
  'suppressions:write',
  /** Provider accounts and sender domains. */
  'senders:read',
  'senders:manage',
  'analytics:read',
  'tenant:read',
  'tenant:manage',
  'workspaces:read',
  'workspaces:manage',
  'users:read',
  'users:manage',
  'keys:manage',
  /** Where the tenant is told about its mail, and the log of that. */
  'webhooks:manage',
  'audit:read',
  /** Look after what all tenants share (the queues), as long as one's tenant operates the installation. */
  'installation:operate',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const READ_ALL = PERMISSIONS.filter((permission) => permission.endsWith(':read') && permission !== 'audit:read');

/** The one table that says what a role may do. */
const ALLOWED = {
  owner: PERMISSIONS,
  admin: PERMISSIONS,
  campaign_manager: [
    ...READ_ALL,
    'campaigns:write',
    'campaigns:launch',
    'approvals:write',
    'enrollments:write',
    'contacts:write',
    'segments:write',
    'templates:write',
    'events:write',
    'suppressions:write',
  ],
  compliance_officer: [...READ_ALL, 'approvals:decide', 'suppressions:write', 'audit:read'],
  analyst: READ_ALL,
  viewer: [
    'self:read',
    'campaigns:read',
    'approvals:read',
    'segments:read',
    'templates:read',
    'analytics:read',
    'tenant:read',
    'workspaces:read',
  ],
} satisfies Record<Role, readonly Permission[]>;

const SETS = new Map<Role, ReadonlySet<Permission>>(ROLES.map((role) => [role, new Set<Permission>(ALLOWED[role])]));

/** May somebody with these roles do this? */
export function can(roles: readonly Role[], permission: Permission): boolean {
  return roles.some((role) => SETS.get(role)?.has(permission));
}

/** Everything these roles allow, in the order of `PERMISSIONS`. */
export function permissionsOf(roles: readonly Role[]): Permission[] {
  return PERMISSIONS.filter((permission) => can(roles, permission));
}

/**
 * May somebody with these roles hand out that role? Nobody gives more than they have: otherwise an admin key could make an owner key of
 * itself.
 */
export function canGrant(roles: readonly Role[], role: Role): boolean {
  return roles.includes('owner') || (role !== 'owner' && ALLOWED[role].every((permission) => can(roles, permission)));
}
