import type { TenantContext } from '../tenant-context.js';

/**
 * One kind of credential. The guard asks the verifiers in order and takes the first answer, so each must return null, quickly and without a
 * query, for a token that is not of its kind. A further kind is one more verifier in `CREDENTIAL_VERIFIERS`.
 */
export abstract class CredentialVerifier {
  /** Whose this token is; null if it is none of ours, unknown, expired or revoked. Never says which. */
  abstract verify(token: string): Promise<TenantContext | null>;
}

/** Injection token of `CredentialVerifier[]`. */
export const CREDENTIAL_VERIFIERS = Symbol('CREDENTIAL_VERIFIERS');
