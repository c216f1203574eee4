import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Reply {
  id: number;
  result?: unknown;
  error?: string;
}

/** A helper process of the benchmarks and the faults (a mail server's double, a load generator), called over IPC. It ends with its parent. */
export class Child {
  private readonly pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private nextId = 1;

  private constructor(
    readonly name: string,
    readonly process: ChildProcess,
  ) {
    process.on('message', ({ id, result, error }: Reply) => {
      const call = this.pending.get(id);
      this.pending.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(`${this.name}: ${error}`));
    });
    process.on('exit', (code) => {
      for (const { reject } of this.pending.values()) reject(new Error(`${this.name} ended with code ${code}`));
      this.pending.clear();
    });
  }

  /** Starts a module that calls `serve`. */
  static async start(module: URL, { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {}): Promise<Child> {
    const child = fork(module, args, { env: { ...process.env, ...env } });
    await once(child, 'message');
    return new Child(basename(fileURLToPath(module), '.js'), child);
  }

  get pid(): number {
    return this.process.pid!;
  }

  call<T>(method: string, argument?: unknown): Promise<T> {
    const id = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.process.send({ id, method, argument });
    });
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await gone;
  }
}

/** The other side: answers calls with these methods until the parent is gone. */
export function serve(methods: Record<string, (argument: never) => unknown>): void {
  const send = (message: unknown): void => void process.send?.(message);
  process.on('message', ({ id, method, argument }: { id: number; method: string; argument: never }) => {
    Promise.resolve()
      .then(() => methods[method](argument))
      .then(
        (result) => send({ id, result: result ?? null }),
        (error: Error) => send({ id, error: error.stack ?? String(error) }),
      );
  });
  process.on('disconnect', () => process.exit(0));
  send({ ready: true });
}
