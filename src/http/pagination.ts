import type { Type } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import type { Page } from '../shared/page.js';
import { InvalidRequestError } from './http.errors.js';
import { textFault } from './text.js';

/** What a cursor may hold: the sort key of the last row of a page. */
export type CursorValue = string | number | boolean | null;
export type Cursor = Record<string, CursorValue>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An opaque text for the query string. */
export function encodeCursor(key: Cursor): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * What `encodeCursor` was given. Anything it did not write is refused as a fault at `query.cursor`. A client can forge a cursor, so its values
 * are input like any other: pass them as parameters, and check their kind (`decodeIdCursor` does so for the usual `{ id }`).
 */
export function decodeCursor(cursor: string): Cursor {
  try {
    const key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Cursor;
    if (isCursor(key) && encodeCursor(key) === cursor) return key;
  } catch {
    // Not JSON: refused below.
  }
  throw invalidCursor();
}

/** The id in a cursor of a list ordered by id alone; null without a cursor. */
export function decodeIdCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const { id } = decodeCursor(cursor);
  if (typeof id !== 'string' || !UUID.test(id)) throw invalidCursor();
  return id;
}

/** The refusal of a cursor, for lists whose cursors hold more than an id. */
export function invalidCursor(): InvalidRequestError {
  return new InvalidRequestError([
    { path: 'query.cursor', message: 'is not a cursor this list has given; start again without one', code: 'invalid_cursor' },
  ]);
}

function isCursor(value: unknown): value is Cursor {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every(
    (part) => part === null || ['number', 'boolean'].includes(typeof part) || (typeof part === 'string' && textFault(part) === null),
  );
}

/**
 * One page of rows. Ask the database for `limit + 1` rows and pass them all: the surplus row tells that there is a next page, whose cursor
 * holds the key of the last row shown.
 */
export function keysetPage<T>(rows: readonly T[], limit: number, toCursor: (last: T) => Cursor): Page<T> {
  const data = rows.slice(0, limit);
  return { data, nextCursor: rows.length > limit ? encodeCursor(toCursor(data[data.length - 1])) : null };
}

const pages = new Map<Type<unknown>, Type<Page<unknown>>>();

/** The class of a page of these, for OpenAPI: `@ApiOkResponse({ type: PageDto(ContactDto) })`. */
export function PageDto<T>(Item: Type<T>): Type<Page<T>> {
  const known = pages.get(Item);
  if (known) return known as Type<Page<T>>;
  class Paged implements Page<T> {
    @ApiProperty({ type: [Item] })
    data: T[];

    @ApiProperty({
      type: String,
      nullable: true,
      description: 'Pass it as `cursor` to get the next page; null on the last one.',
      example: 'eyJpZCI6IjAxOTJmMWRlLTdjMDAtN2E1NS04YzZiLTNmNmQ0YzFlOWExMCJ9',
    })
    nextCursor: string | null;
  }
  Object.defineProperty(Paged, 'name', { value: `${Item.name.replace(/Dto$/, '')}Page` });
  pages.set(Item, Paged);
  return Paged;
}
