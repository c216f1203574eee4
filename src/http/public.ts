import { SetMetadata, applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

export const PUBLIC = 'http:public';

/** This route (or every route of this class) asks for no credential. Every other route must name a permission. */
export function Public(): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(PUBLIC, true), ApiExtension('x-public', true));
}

export const UNLIMITED = 'http:unlimited';

/**
 * Public routes are limited by address; this one (or every one of this class) is not. For what many people ask for from one address (mail readers behind
 * the gateway of their company or provider), what comes signed, and supervisors.
 */
export function Unlimited(): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(UNLIMITED, true), ApiExtension('x-unlimited', true));
}
