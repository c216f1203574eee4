import { Injectable } from '@nestjs/common';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { AppConfig } from '../../../config/index.js';
import { Clock } from '../../../shared/clock.js';
import { KeysUnavailableError } from '../identity.errors.js';

/** What a genuine token says. */
export interface TokenClaims {
  tenantId: string;
  /** The user's id in the tenant, or null: then `email` names them. */
  userId: string | null;
  /** Only if the issuer says that it has verified it. */
  email: string | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TYPES = new Set(['jwt', 'at+jwt', 'application/at+jwt']);
/** Signatures that a key set may verify with: never a secret one, so that nobody signs with a public key as if it were a secret. */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const TOLERANCE_SECONDS = 30;
/** A token is as good as a password until it ends: older ones are refused, whatever end they name. */
const MAX_AGE_SECONDS = 3_600;

/**
 * JSON Web Tokens (RFC 7519, best practice of RFC 8725) of the one issuer that is configured: with `JWT_SECRET` HS256 and nothing else, with
 * `JWT_JWKS_URL` public-key signatures and nothing else. A key is taken only from there: what a token says about keys (`jku`, `jwk`, `x5u`) is not
 * looked at, and an unknown `kid` makes the set be fetched again at most twice a minute.
 */
@Injectable()
export class JwtTokens {
  private readonly key: Uint8Array | JWTVerifyGetKey | null;
  private readonly algorithms: string[];

  constructor(
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {
    const { secret, jwksUrl } = config.jwt;
    this.key = secret ? new TextEncoder().encode(secret) : jwksUrl ? createRemoteJWKSet(new URL(jwksUrl)) : null;
    this.algorithms = secret ? ['HS256'] : PUBLIC_KEY_ALGORITHMS;
  }

  /** Null for whatever is not a valid token for us; never says why. Throws `KeysUnavailableError` if the issuer's keys cannot be had. */
  async verify(token: string): Promise<TokenClaims | null> {
    if (this.key === null || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return null;
    const { issuer, audience } = this.config.jwt;
    const options = {
      algorithms: this.algorithms,
      issuer,
      audience,
      requiredClaims: ['exp', 'iat', 'sub'],
      maxTokenAge: MAX_AGE_SECONDS,
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: this.clock.now(),
    };
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.key as JWTVerifyGetKey, options);
      if (protectedHeader.typ !== undefined && !TYPES.has(protectedHeader.typ.toLowerCase())) return null;
      return claimsOf(payload);
    } catch (error) {
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && !isUnreadableSet(error)) return null;
      throw new KeysUnavailableError({ cause: error });
    }
  }
}

/** The issuer answered with something that is no key set, or with an error. */
const isUnreadableSet = (error: errors.JOSEError): boolean => error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC';

function claimsOf({ tenant, sub, email, email_verified }: JWTPayload): TokenClaims | null {
  if (typeof tenant !== 'string' || !UUID.test(tenant) || typeof sub !== 'string') return null;
  if (UUID.test(sub)) return { tenantId: tenant, userId: sub, email: null };
  if (typeof email !== 'string' || email_verified !== true || email.length > 320) return null;
  return { tenantId: tenant, userId: null, email: email.toLowerCase() };
}
