import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread on a module of this folder. Built code is JavaScript, so the module itself is the entry. Under jest the sources are
 * TypeScript, which Node cannot load: there the thread first registers a hook that compiles with @swc/core, exactly as jest does. The
 * extension of this very module tells which of the two it is.
 */
export function startWorkerThread(name: string, options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, import.meta.url), options);
  const hooks = `data:text/javascript,${encodeURIComponent(TYPESCRIPT_HOOKS)}`;
  const entry = new URL(`./${name}.ts`, import.meta.url).href;
  const start = `require('node:module').register(${JSON.stringify(hooks)}, { data: ${JSON.stringify(import.meta.url)} }); import(${JSON.stringify(entry)});`;
  return new Worker(start, { ...options, eval: true });
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
