import { SetMetadata, applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Permission } from './domain/permissions.js';

export const PERMISSION = 'identity:permission';

/** Who may call this route. Every route has `@Can(…)` or `@Public()`; one without either is refused to everybody. */
export function Can(permission: Permission): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(PERMISSION, permission), ApiExtension('x-permission', permission));
}
