import { Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from './clock.js';
import { Ids, SystemIds } from './ids.js';
import { Random, SystemRandom } from './random.js';

/** Time, randomness and ids for everybody; tests override these three tokens. */
@Global()
@Module({
  providers: [
    { provide: Clock, useClass: SystemClock },
    { provide: Random, useClass: SystemRandom },
    { provide: Ids, useClass: SystemIds },
  ],
  exports: [Clock, Random, Ids],
})
export class SharedModule {}
