import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsOptional, IsString } from 'class-validator';
import { IsDay, IsInstant } from './validators.js';

// Query values are texts; each decorator here turns exactly its own kind into a value and leaves anything else as it came, to be refused.

/** An optional whole number in the query string (`?limit=50`). Add `@Min`/`@Max`. */
export function IntQuery(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value)),
    IsInt(),
  );
}

/** An optional `true` or `false` in the query string. */
export function BoolQuery(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsBoolean(),
  );
}

/** An optional calendar day in the query string (`?startDate=2026-03-29`); stays a text. */
export function DayQuery(): PropertyDecorator {
  return applyDecorators(ApiPropertyOptional({ type: String, format: 'date', example: '2026-03-29' }), IsOptional(), IsDay());
}

/** An optional instant with an offset in the query string; stays a text (`parseInstant` reads it). */
export function InstantQuery(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ type: String, format: 'date-time', example: '2026-03-29T09:00:00Z' }),
    IsOptional(),
    IsInstant(),
  );
}

/** An optional list in the query string: `?status=draft,active` or `?status=draft&status=active`. Add `@IsIn(…, { each: true })`. */
export function ListQuery(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) => {
      const parts: unknown[] = Array.isArray(value) ? value : [value];
      return value === undefined ? undefined : parts.flatMap((part) => (typeof part === 'string' ? part.split(',') : [part]));
    }),
    IsArray(),
    IsString({ each: true }),
  );
}
