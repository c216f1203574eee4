import { Clock } from '../../src/shared/clock.js';

export interface Span {
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
  ms?: number;
}

/** A clock that stands still until a test moves it, backwards too (`advance({ hours: -1 })`). */
export class FakeClock extends Clock {
  private current: number;

  constructor(start: Date | string = '2030-01-01T00:00:00Z') {
    super();
    this.current = new Date(start).getTime();
  }

  override now(): Date {
    return new Date(this.current);
  }

  set(to: Date | string): void {
    this.current = new Date(to).getTime();
  }

  /** Days are 24 hours here: moving a clock knows no zone. */
  advance({ days = 0, hours = 0, minutes = 0, seconds = 0, ms = 0 }: Span): Date {
    this.current += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + ms;
    return this.now();
  }
}
