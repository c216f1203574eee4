import { Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from './clock.js';
import { Ids, SystemIds } from './ids.js';
import { HostResolver, OutboundGuard, SystemHostResolver } from './outbound/outbound-guard.js';
import { OutboundHttp } from './outbound/outbound-http.js';
import { Random, SystemRandom } from './random.js';
import { SecretBox } from './secret-box.js';

/** Time, randomness, ids and the guarded way out for everybody; tests override `Clock`, `Random`, `Ids` and `HostResolver`. */
@Global()
@Module({
  providers: [
    { provide: Clock, useClass: SystemClock },
    { provide: Random, useClass: SystemRandom },
    { provide: Ids, useClass: SystemIds },
    { provide: HostResolver, useClass: SystemHostResolver },
    OutboundGuard,
    OutboundHttp,
    SecretBox,
  ],
  exports: [Clock, Random, Ids, HostResolver, OutboundGuard, OutboundHttp, SecretBox],
})
export class SharedModule {}
