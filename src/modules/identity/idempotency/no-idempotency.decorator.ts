import { SetMetadata, applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

export const NO_IDEMPOTENCY = 'identity:no-idempotency';

/** For routes whose answer must not be kept (a secret stands in it), or is not worth it (nothing is changed): `Idempotency-Key` has no effect there. */
export function NoIdempotency(): MethodDecorator {
  return applyDecorators(SetMetadata(NO_IDEMPOTENCY, true), ApiExtension('x-no-idempotency', true));
}
