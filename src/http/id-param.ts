import { Injectable, Param, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { InvalidRequestError } from './http.errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

@Injectable()
class IdPipe implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata): string {
    if (UUID.test(value)) return value.toLowerCase();
    throw new InvalidRequestError([{ path: `params.${data}`, message: 'must be an id (a UUID)', code: 'isUuid' }]);
  }
}

/** `@IdParam('id') id: string`: an id in the path. Anything but a UUID is refused (400 at `params.id`) before it reaches the database. */
export function IdParam(name = 'id', description?: string): ParameterDecorator {
  return (target, key, index) => {
    Param(name, IdPipe)(target, key, index);
    const document = ApiParam({ name, description, schema: { type: 'string', format: 'uuid' } });
    document(target, key!, Object.getOwnPropertyDescriptor(target, key!)!);
  };
}
