import { Injectable } from '@nestjs/common';

/**
 * Source of "now" for every rule that depends on time: due times, windows, dates. Injected, so that tests move time; nothing in a service
 * calls `new Date()`. Leases are the exception: they use the database's clock (`clock_timestamp()`), because they compare processes.
 */
export abstract class Clock {
  abstract now(): Date;
}

@Injectable()
export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}
