import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** Source of identifiers: UUIDv7 (RFC 9562 §5.7), so that keys made one after another lie side by side in an index. */
export abstract class Ids {
  abstract uuid(): string;
}

@Injectable()
export class SystemIds extends Ids {
  uuid(): string {
    const bytes = randomBytes(16);
    bytes.writeUIntBE(Date.now(), 0, 6);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}
