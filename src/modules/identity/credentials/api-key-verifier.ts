import { Injectable } from '@nestjs/common';
import { Database } from '../../../database/index.js';
import { Clock } from '../../../shared/clock.js';
import { ApiKeysQueries } from '../api-keys.queries.js';
import { hashApiKey, isSameHash, parseApiKey } from '../domain/api-key-format.js';
import type { TenantContext } from '../tenant-context.js';
import { CredentialVerifier } from './credential-verifier.js';

/** How long a verified key is remembered: the longest that a key revoked by another process still works here. */
export const REMEMBERED_MS = 5_000;
const MAX_REMEMBERED = 10_000;

interface Remembered {
  context: TenantContext;
  expiresAt: Date | null;
  /** Monotonic milliseconds: not a rule of the business, so not `Clock`. */
  until: number;
}

/**
 * API keys. Verified keys are remembered for 5 seconds by their hash (never by the key), so that a busy client costs no query. What does not
 * hold is not remembered, so that a new key works at once.
 */
@Injectable()
export class ApiKeyVerifier extends CredentialVerifier {
  private readonly remembered = new Map<string, Remembered>();

  constructor(
    private readonly db: Database,
    private readonly queries: ApiKeysQueries,
    private readonly clock: Clock,
  ) {
    super();
  }

  async verify(token: string): Promise<TenantContext | null> {
    const claim = parseApiKey(token);
    if (!claim) return null;
    const hash = hashApiKey(token);
    const name = hash.toString('base64');
    const known = this.remembered.get(name);
    if (known && known.until > performance.now()) return this.isPast(known.expiresAt) ? null : known.context;
    const found = await this.lookUp(claim, hash);
    if (found) this.remember(name, found);
    else this.remembered.delete(name);
    return found?.context ?? null;
  }

  /** Makes this process ask the database again for every key of a tenant. */
  forgetTenant(tenantId: string): void {
    for (const [name, { context }] of this.remembered) {
      if (context.tenantId === tenantId) this.remembered.delete(name);
    }
  }

  private async lookUp({ tenantId, keyId }: { tenantId: string; keyId: string }, hash: Buffer): Promise<Omit<Remembered, 'until'> | null> {
    return this.db.inTenant(tenantId, async (tx) => {
      const key = await this.queries.findForVerification(tx, tenantId, keyId);
      if (!key || !isSameHash(key.keyHash, hash)) return null;
      if (key.revokedAt || key.userDisabled || this.isPast(key.expiresAt)) return null;
      await this.queries.touch(tx, tenantId, keyId, this.clock.now());
      const { roles, userId, workspaceId, expiresAt } = key;
      return { context: { tenantId, workspaceId, userId, actor: { type: 'api_key', id: keyId }, roles }, expiresAt };
    });
  }

  private remember(name: string, found: Omit<Remembered, 'until'>): void {
    // The oldest go first: a Map keeps the order of insertion.
    this.remembered.delete(name);
    for (const oldest of this.remembered.keys()) {
      if (this.remembered.size < MAX_REMEMBERED) break;
      this.remembered.delete(oldest);
    }
    this.remembered.set(name, { ...found, until: performance.now() + REMEMBERED_MS });
  }

  private isPast(instant: Date | null): boolean {
    return instant !== null && instant <= this.clock.now();
  }
}
