import { once } from 'node:events';
import { rmSync } from 'node:fs';

export default async function globalTeardown() {
  const started = globalThis.__TEST_POSTGRES__;
  if (!started) return;
  const { server, root } = started;
  if (server.exitCode === null && server.signalCode === null) {
    const exited = once(server, 'exit');
    // Immediate shutdown: the data is thrown away anyway.
    server.kill('SIGQUIT');
    await exited;
  }
  rmSync(root, { recursive: true, force: true });
}
