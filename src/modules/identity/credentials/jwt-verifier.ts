import { Injectable } from '@nestjs/common';
import { Database } from '../../../database/index.js';
import type { TenantContext } from '../tenant-context.js';
import { UsersQueries } from '../users.queries.js';
import { CredentialVerifier } from './credential-verifier.js';
import { JwtTokens } from './jwt-tokens.js';

/**
 * People who signed in elsewhere. The token says who they are; what they may do stands in our own row of them, read anew for every request, so that a
 * role taken away or a user disabled counts at once, not when the token ends.
 */
@Injectable()
export class JwtVerifier extends CredentialVerifier {
  constructor(
    private readonly db: Database,
    private readonly tokens: JwtTokens,
    private readonly users: UsersQueries,
  ) {
    super();
  }

  async verify(token: string): Promise<TenantContext | null> {
    const claims = await this.tokens.verify(token);
    if (!claims) return null;
    const { tenantId, userId, email } = claims;
    const user = await this.db.inTenant(tenantId, (tx) =>
      userId === null ? this.users.findByEmail(tx, tenantId, email ?? '') : this.users.find(tx, tenantId, userId),
    );
    if (!user || user.disabledAt) return null;
    return { tenantId, workspaceId: null, userId: user.id, actor: { type: 'user', id: user.id }, roles: [user.role] };
  }
}
