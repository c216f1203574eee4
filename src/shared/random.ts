import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** Source of randomness, injected so that a seed replays a run. Not for secrets: those use node:crypto directly. */
export abstract class Random {
  /** A number in [0, 1). */
  abstract next(): number;
}

@Injectable()
export class SystemRandom extends Random {
  next(): number {
    return randomInt(2 ** 32) / 2 ** 32;
  }
}
