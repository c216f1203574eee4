import { createHash } from 'node:crypto';
import { Headers, applyDecorators } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { PreconditionFailedError } from './http.errors.js';

/** A strong entity tag over what the client sees of a resource: equal content, equal tag. */
export function etagOf(resource: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(resource)).digest('base64url').slice(0, 27)}"`;
}

/**
 * Compares `If-Match` with the present state of the resource (RFC 9110 §13.1.1: strong comparison, lists and `*` allowed). Without the header
 * every state is fine; with a stale one `PreconditionFailedError` (412). Call it in the transaction that changes the resource, with its row
 * locked, and give it the same view that `GET` shows.
 */
export function assertIfMatch(header: string | undefined, resource: unknown): void {
  if (header === undefined || header.trim() === '*') return;
  const tags: string[] = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  if (!tags.includes(etagOf(resource))) throw new PreconditionFailedError();
}

/** `@IfMatch() ifMatch: string | undefined`: the `If-Match` header, documented. */
export function IfMatch(): ParameterDecorator {
  return (target, key, index) => {
    Headers('if-match')(target, key, index);
    const document = applyDecorators(
      ApiHeader({
        name: 'If-Match',
        required: false,
        description: 'The `ETag` of the state the change was made from: if the resource has changed meanwhile, the answer is 412.',
      }),
    );
    document(target, key!, Object.getOwnPropertyDescriptor(target, key!)!);
  };
}
