import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** Source of identifiers: UUIDv7 (RFC 9562 §5.7), so that keys made one after another lie side by side in an index. */
export abstract class Ids {
  abstract uuid(): string;
}

/** One process's ids go up, also within a millisecond: what is made later sorts later (RFC 9562 §6.2, method 1: the 12 bits behind the time are a counter). */
@Injectable()
export class SystemIds extends Ids {
  private time = 0;
  private counter = 0;

  uuid(): string {
    const bytes = randomBytes(16);
    const now = Date.now();
    if (now > this.time) {
      this.time = now;
      // From the lower half, so that there is room to count.
      this.counter = bytes.readUInt16BE(6) & 0x7ff;
    } else if (++this.counter > 0xfff) {
      this.time += 1;
      this.counter = 0;
    }
    bytes.writeUIntBE(this.time, 0, 6);
    bytes.writeUInt16BE(0x7000 | this.counter, 6);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}
