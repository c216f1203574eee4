import { isEmailAddress, isHeaderText, isTimeZone, parseInstant } from '../../http/index.js';
import { ApiKeysService, ROLES, type Role, TenantsService, parseApiKey, systemContext } from '../../modules/identity/index.js';
import { type Command, UsageError } from './command.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

// The key alone is the result, on standard output; everything else is said on standard error: `KEY=$(npm run -s cli -- key:create …)`.

export const tenantCreate: Command = {
  name: 'tenant:create',
  summary: 'Create a tenant with its owner, a workspace and an API key, which is printed once',
  options: {
    name: { description: 'name of the tenant', isRequired: true },
    email: { description: 'address of its owner', isRequired: true },
    timezone: { description: 'zone of its reports, e.g. Europe/Berlin (default UTC)' },
    'postal-address': { description: 'stands in the footer of its mail' },
  },
  async run({ app, options, print }) {
    const { name = '', email = '', timezone = 'UTC', 'postal-address': postalAddress = null } = options;
    if (!isHeaderText(name)) throw new UsageError('--name must be a single line of at most 255 characters');
    if (!isEmailAddress(email)) throw new UsageError('--email must be one email address, without a name');
    if (!isTimeZone(timezone)) throw new UsageError('--timezone must be the name of a time zone, such as Europe/Berlin or UTC');
    const { tenantId, apiKey } = await app.get(TenantsService).create({ name, adminEmail: email, timezone, postalAddress });
    console.error(`Created the tenant ${tenantId}. Its API key, which is not shown again:`);
    print(apiKey);
  },
};

export const keyCreate: Command = {
  name: 'key:create',
  summary: 'Create an API key for a tenant; it is printed once',
  options: {
    tenant: { description: 'id of the tenant', isRequired: true },
    name: { description: 'what the key is for', isRequired: true },
    roles: { description: `one or more of ${ROLES.join(', ')}`, isRequired: true },
    expires: { description: 'when it ends, e.g. 2027-01-01T00:00:00Z (default never)' },
  },
  async run({ app, options, print }) {
    const tenantId = await existingTenant(app, options.tenant);
    const { name = '', roles = '', expires } = options;
    if (!isHeaderText(name)) throw new UsageError('--name must be a single line of at most 255 characters');
    const expiresAt = expires === undefined ? null : parseInstant(expires);
    if (expires !== undefined && !expiresAt) throw new UsageError('--expires must be an instant, such as 2027-01-01T00:00:00Z');
    // Whoever reaches the database may do anything anyway.
    const ctx = { ...systemContext(tenantId), roles: ['owner' as const] };
    const { key, id } = await app.get(ApiKeysService).create(ctx, { name, roles: rolesOf(roles), expiresAt });
    console.error(`Created the API key ${id}, which is not shown again:`);
    print(key);
  },
};

export const keyRevoke: Command = {
  name: 'key:revoke',
  summary: 'End an API key for good, named by the key itself or by its ids',
  options: {
    key: { description: 'the key itself (a leaked one, say)' },
    tenant: { description: 'id of the tenant' },
    id: { description: 'id of the key' },
  },
  async run({ app, options, print }) {
    const claim = options.key === undefined ? { tenantId: options.tenant ?? '', keyId: options.id ?? '' } : parseApiKey(options.key);
    if (!claim || !UUID.test(claim.tenantId) || !UUID.test(claim.keyId)) throw new UsageError('Give --key, or both --tenant and --id');
    await app.get(ApiKeysService).revoke(systemContext(claim.tenantId), claim.keyId);
    print(`Revoked the API key ${claim.keyId}. Running processes refuse it within five seconds.`);
  },
};

async function existingTenant(app: Parameters<Command['run']>[0]['app'], id = ''): Promise<string> {
  if (!UUID.test(id)) throw new UsageError('--tenant must be an id (a UUID)');
  await app.get(TenantsService).read(systemContext(id));
  return id;
}

function rolesOf(list: string): Role[] {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(ROLES as readonly string[]).includes(name));
  if (unknown.length > 0) throw new UsageError(`--roles must be a comma-separated list of ${ROLES.join(', ')}`);
  return names as Role[];
}
