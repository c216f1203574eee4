import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Starts a process on a module of this folder. Built code is JavaScript, so the module itself is the entry. Under jest the sources are
 * TypeScript, which Node cannot load: there the process first registers a hook that compiles with @swc/core, exactly as jest does. The
 * extension of this very module tells which of the two it is.
 */
export function startWorkerProcess(name: string, heapMb: number): ChildProcess {
  const isBuilt = !import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(`./${name}.${isBuilt ? 'js' : 'ts'}`, import.meta.url));
  const execArgv = [`--max-old-space-size=${heapMb}`, '--max-semi-space-size=8', '--stack-size=900', '--no-warnings'];
  if (!isBuilt) execArgv.push('--import', `data:text/javascript,${encodeURIComponent(registerHooks())}`);
  return fork(entry, {
    execArgv,
    // Content is processed without any of our configuration in reach.
    env: {},
    serialization: 'advanced',
    // A process that dies of its heap limit prints pages; the caller already knows what happened.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

function registerHooks(): string {
  const hooks = `data:text/javascript,${encodeURIComponent(TYPESCRIPT_HOOKS)}`;
  return `import { register } from 'node:module'; register(${JSON.stringify(hooks)}, { data: ${JSON.stringify(import.meta.url)} });`;
}

const TYPESCRIPT_HOOKS = `
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
let swc;
export function initialize(parent) { swc = createRequire(parent)('@swc/core'); }
export async function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const url = new URL(specifier.slice(0, -3) + '.ts', context.parentURL);
    if (existsSync(fileURLToPath(url))) return { url: url.href, format: 'module', shortCircuit: true };
  }
  return next(specifier, context);
}
export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await swc.transform(await readFile(filename, 'utf8'), { filename, swcrc: true });
  return { format: 'module', source: code, shortCircuit: true };
}`;
