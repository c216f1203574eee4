import { Injectable, Param, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { InvalidRequestError } from '../../http/index.js';

@Injectable()
class VersionPipe implements PipeTransform<string, number> {
  transform(value: string, { data }: ArgumentMetadata): number {
    if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
    throw new InvalidRequestError([{ path: `params.${data}`, message: 'must be the number of a version, from 1', code: 'isInt' }]);
  }
}

/** `@VersionParam() version: number`: the number of a version in the path; anything else is refused (400 at `params.version`). */
export function VersionParam(): ParameterDecorator {
  return (target, key, index) => {
    Param('version', VersionPipe)(target, key, index);
    const document = ApiParam({ name: 'version', schema: { type: 'integer', minimum: 1 } });
    document(target, key!, Object.getOwnPropertyDescriptor(target, key!)!);
  };
}
