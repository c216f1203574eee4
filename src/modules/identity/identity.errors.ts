import { DomainError } from '../../shared/domain-error.js';
import type { Limit } from './limits/limits.js';
import type { Permission, Role } from './domain/permissions.js';

/** No credential, or none that holds. Says no more: not whether a key exists, is revoked or has expired. */
export class UnauthenticatedError extends DomainError {
  readonly code = 'unauthenticated';
  readonly category = 'unauthenticated' as const;

  constructor(given: boolean) {
    super(
      given
        ? 'The credential is not valid: unknown, expired or revoked.'
        : 'This needs a credential: send the header "Authorization: Bearer <API key>".',
    );
  }
}

/** The same, for a page: browsers ask people for a password then. */
export class PasswordNeededError extends DomainError {
  readonly code = 'unauthenticated';
  readonly category = 'unauthenticated' as const;
  readonly challenge = 'Basic realm="campaign-engine operators", charset="UTF-8"';

  constructor() {
    super('This needs the API key of an owner or admin of the operating tenant: as the password (with any name), or as a bearer token.');
  }
}

/** A browser was made to ask for this by a page that is not ours. */
export class ForeignOriginError extends DomainError {
  readonly code = 'foreign_origin';
  readonly category = 'forbidden' as const;

  constructor() {
    super('This comes from a page of another site.');
  }
}

/** Too often: which limit it was and when it lets go again. */
export class RateLimitedError extends DomainError {
  readonly code = 'rate_limited';
  readonly category = 'rate_limited' as const;
  readonly retryAfterSeconds: number;

  constructor({ what, limit, windowSeconds }: Limit, retryAfterSeconds: number) {
    const window = windowSeconds === 60 ? 'a minute' : 'an hour';
    super(`No more than ${limit} ${what} ${window}; try again in ${retryAfterSeconds} second${retryAfterSeconds === 1 ? '' : 's'}.`, [], {
      limit,
      windowSeconds,
    });
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The keys of the issuer of tokens cannot be fetched, so nobody can say whether a token holds. */
export class KeysUnavailableError extends DomainError {
  readonly code = 'keys_unavailable';
  readonly category = 'unavailable' as const;
  readonly retryAfterSeconds = 5;

  constructor(options: { cause: unknown }) {
    super('The keys that tokens are verified with cannot be fetched at the moment. Try again in a few seconds.');
    this.cause = options.cause;
  }
}

export class PermissionDeniedError extends DomainError {
  readonly code = 'permission_denied';
  readonly category = 'forbidden' as const;

  constructor(permission: Permission | null, why?: string) {
    super(
      why ?? (permission ? `This needs the permission ${permission}, which the credential does not have.` : 'Nobody may do this.'),
      [],
      {
        ...(permission ? { requiredPermission: permission } : {}),
      },
    );
  }
}

/** Somebody tried to hand out a role that allows more than they may do themselves. */
export class RoleNotGrantableError extends DomainError {
  readonly code = 'role_not_grantable';
  readonly category = 'forbidden' as const;

  constructor(role: Role, path: string) {
    super(`The role ${role} allows more than your own credential does, so you cannot hand it out.`, [
      { path, message: `${role} is beyond your own roles` },
    ]);
  }
}

export class TenantNotFoundError extends DomainError {
  readonly code = 'tenant_not_found';
  readonly category = 'not_found' as const;

  constructor(tenantId: string) {
    super(`There is no tenant ${tenantId}.`);
  }
}

export class UserNotFoundError extends DomainError {
  readonly code = 'user_not_found';
  readonly category = 'not_found' as const;

  constructor(userId: string) {
    super(`There is no user ${userId}.`);
  }
}

export class ApiKeyNotFoundError extends DomainError {
  readonly code = 'api_key_not_found';
  readonly category = 'not_found' as const;

  constructor(keyId: string) {
    super(`There is no API key ${keyId}.`);
  }
}

/** A key that has ended already has nothing to hand over. */
export class ApiKeyEndedError extends DomainError {
  readonly code = 'api_key_ended';
  readonly category = 'conflict' as const;

  constructor() {
    super('This API key is revoked or has expired. Create a new one instead.');
  }
}

/** The body names a user or workspace that this tenant does not have. */
export class UnknownReferenceError extends DomainError {
  readonly code = 'unknown_reference';
  readonly category = 'unprocessable' as const;

  constructor(path: string, what: string) {
    super(`${path} names no ${what} of this tenant.`, [{ path, message: `names no ${what} of this tenant` }]);
  }
}

export class EmailTakenError extends DomainError {
  readonly code = 'email_taken';
  readonly category = 'conflict' as const;

  constructor() {
    super('There is already a user with this email address.', [{ path: 'email', message: 'belongs to another user' }]);
  }
}

export class WorkspaceNameTakenError extends DomainError {
  readonly code = 'workspace_name_taken';
  readonly category = 'conflict' as const;

  constructor() {
    super('There is already a workspace with this name.', [{ path: 'name', message: 'belongs to another workspace' }]);
  }
}

/** Without an owner nobody could give roles any more. */
export class LastOwnerError extends DomainError {
  readonly code = 'last_owner';
  readonly category = 'conflict' as const;

  constructor() {
    super('This is the last owner of the tenant. Make somebody else an owner first.');
  }
}

/** An expiry that has passed already would make a key that never works. */
export class ExpiryInThePastError extends DomainError {
  readonly code = 'expiry_in_the_past';
  readonly category = 'unprocessable' as const;

  constructor() {
    super('expiresAt has passed already.', [{ path: 'expiresAt', message: 'must be in the future' }]);
  }
}

/** The same key came with another request than the first time. */
export class IdempotencyKeyReusedError extends DomainError {
  readonly code = 'idempotency_key_reused';
  readonly category = 'unprocessable' as const;

  constructor() {
    super('This Idempotency-Key was used for another request. Use a new key for every new request.', [
      { path: 'headers.idempotency-key', message: 'belongs to another request' },
    ]);
  }
}

export class IdempotencyInProgressError extends DomainError {
  readonly code = 'idempotency_in_progress';
  readonly category = 'conflict' as const;
  readonly retryAfterSeconds = 1;

  constructor() {
    super('The first request with this Idempotency-Key is still being worked on. Ask again in a moment.');
  }
}
