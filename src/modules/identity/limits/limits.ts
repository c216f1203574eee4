import { SetMetadata } from '@nestjs/common';
import type { AppConfig } from '../../../config/index.js';

/** So many in a window; 0: any number. */
export interface Limit {
  /** What is counted, and by what: `launches in one tenant`. */
  what: string;
  limit: number;
  windowSeconds: 60 | 3600;
}

/** Operations with a limit of their own, by tenant, beside the one of the credential. */
export type OwnLimit = 'launches' | 'imports' | 'testMessages';

export const OWN_LIMIT = 'identity:own-limit';

/** What a tenant may do less often than ask: `@RateLimited('launches')`. Routes with the same name share one limit. */
export const RateLimited = (name: OwnLimit): MethodDecorator => SetMetadata(OWN_LIMIT, name);

export function limitsOf({ rateLimits }: AppConfig) {
  return {
    credential: { what: 'requests with one credential', limit: rateLimits.perMinute, windowSeconds: 60 },
    address: { what: 'requests from one address', limit: rateLimits.perMinute, windowSeconds: 60 },
    failures: { what: 'credentials that are not valid from one address', limit: rateLimits.failuresPerMinute, windowSeconds: 60 },
    launches: { what: 'launches in one tenant', limit: rateLimits.launchesPerMinute, windowSeconds: 60 },
    imports: { what: 'imports in one tenant', limit: rateLimits.importsPerHour, windowSeconds: 3600 },
    testMessages: { what: 'test messages in one tenant', limit: rateLimits.testSendsPerHour, windowSeconds: 3600 },
  } satisfies Record<OwnLimit | 'credential' | 'address' | 'failures', Limit>;
}
