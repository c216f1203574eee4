import { Global, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { Access } from './access.js';
import { AccessGuard } from './access.guard.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysQueries } from './api-keys.queries.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuditController } from './audit.controller.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { AuditQueries } from './audit.queries.js';
import { AuditService } from './audit.service.js';
import { CredentialGuard } from './credential.guard.js';
import { ApiKeyVerifier } from './credentials/api-key-verifier.js';
import { CREDENTIAL_VERIFIERS, type CredentialVerifier } from './credentials/credential-verifier.js';
import { JwtTokens } from './credentials/jwt-tokens.js';
import { JwtVerifier } from './credentials/jwt-verifier.js';
import { DemoBootstrap } from './demo-bootstrap.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { IdempotencyQueries } from './idempotency/idempotency.queries.js';
import { IdempotencyService } from './idempotency/idempotency.service.js';
import { FailedCredentials } from './limits/failed-credentials.js';
import { RateLimitGuard } from './limits/rate-limit.guard.js';
import { RateLimitsQueries } from './limits/rate-limits.queries.js';
import { SharedCounters } from './limits/shared-counters.js';
import { Operators } from './operators.js';
import { TenantController } from './tenant.controller.js';
import { TenantsQueries } from './tenants.queries.js';
import { TenantsService } from './tenants.service.js';
import { UsersController } from './users.controller.js';
import { UsersQueries } from './users.queries.js';
import { UsersService } from './users.service.js';
import { WorkspacesController } from './workspaces.controller.js';
import { WorkspacesQueries } from './workspaces.queries.js';
import { WorkspacesService } from './workspaces.service.js';

/** Who calls, how often, and what they may do. Its guards and its idempotency stand before the routes of every module. */
@Global()
@Module({
  controllers: [TenantController, ApiKeysController, UsersController, WorkspacesController, AuditController],
  providers: [
    Access,
    ApiKeyVerifier,
    JwtTokens,
    JwtVerifier,
    {
      provide: CREDENTIAL_VERIFIERS,
      inject: [ApiKeyVerifier, JwtVerifier],
      useFactory: (...verifiers: CredentialVerifier[]) => verifiers,
    },
    // In this order: who, how often, what they may.
    { provide: APP_GUARD, useClass: CredentialGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
    ApiKeysQueries,
    ApiKeysService,
    AuditQueries,
    AuditService,
    DemoBootstrap,
    FailedCredentials,
    IdempotencyQueries,
    IdempotencyService,
    Operators,
    RateLimitsQueries,
    SharedCounters,
    TenantsQueries,
    TenantsService,
    UsersQueries,
    UsersService,
    WorkspacesQueries,
    WorkspacesService,
  ],
  exports: [
    ApiKeysService,
    AuditService,
    DemoBootstrap,
    IdempotencyService,
    Operators,
    SharedCounters,
    TenantsService,
    UsersService,
    WorkspacesService,
  ],
})
export class IdentityModule {}
