/**
 * Loaded before the product (`node --import`): a machine whose clock is wrong. Only `Date` is moved, as a wrong clock would; timers go on
 * by the monotonic clock, as they do on such a machine. `CLOCK_OFFSET_MS` is how far; after `CLOCK_JUMP_AFTER_MS` the clock jumps by as much again
 * the other way.
 */
const offsetMs = Number(process.env.CLOCK_OFFSET_MS ?? 0);
const jumpAfterMs = Number(process.env.CLOCK_JUMP_AFTER_MS ?? Infinity);
const RealDate = Date;
const offset = (): number => (performance.now() > jumpAfterMs ? -offsetMs : offsetMs);

class WrongDate extends RealDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(RealDate.now() + offset());
    else super(...(args as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset();
  }
}
globalThis.Date = WrongDate as unknown as DateConstructor;
