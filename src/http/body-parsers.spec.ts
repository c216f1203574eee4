import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { limitedStream } from './body-parsers.js';
import { BodyTooLargeError } from './http.errors.js';

describe('limitedStream', () => {
  const chunks = (count: number) => Readable.from(Array.from({ length: count }, () => Buffer.alloc(100, 'x')));

  it('passes a body of exactly the limit', async () => {
    expect(await text(limitedStream(chunks(10), undefined, 1000))).toHaveLength(1000);
  });

  it('fails one byte beyond, though nothing was announced (chunked uploads do not)', async () => {
    await expect(text(limitedStream(chunks(10), undefined, 999))).rejects.toThrow(BodyTooLargeError);
  });

  it('refuses at once what announces too much', () => {
    expect(() => limitedStream(chunks(1), '1001', 1000)).toThrow(BodyTooLargeError);
  });

  it('leaves a body alone that nobody reads, so that the server can skip it', async () => {
    const payload = chunks(10);
    limitedStream(payload, undefined, 1000).destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(payload.destroyed).toBe(false);
    expect(await text(payload)).toHaveLength(1000);
  });
});
