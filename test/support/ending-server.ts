import { connect, createServer, type AddressInfo } from 'node:net';

/** ReadyForQuery, with which PostgreSQL ends a login. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** The database behind `url`, but it ends every session in the packet that ends its login, as one that goes down in that moment does. */
export async function serverThatEndsSessions(url: string): Promise<{ url: string; close(): Promise<void> }> {
  const behind = new URL(url);
  const server = createServer((near) => {
    const far = connect(Number(behind.port), behind.hostname);
    for (const socket of [near, far]) socket.on('error', () => undefined).on('close', () => [near, far].forEach((both) => both.destroy()));
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      if (chunk.includes(READY)) near.end(Buffer.concat([chunk, administratorsEnd()]));
      else near.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const here = new URL(url);
  here.port = String((server.address() as AddressInfo).port);
  return { url: here.href, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** ErrorResponse: FATAL, SQLSTATE 57P01. */
function administratorsEnd(): Buffer {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0');
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
