import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface TranspiledProduct {
  /** Holds `main.js` and `cli.js`. */
  dist: string;
  remove(): Promise<void>;
}

/**
 * The product as JavaScript, for tests that start it as processes: in about a second and beside `dist`, so that no test depends on an earlier build or
 * on its age. Below the repository, so that packages are found.
 */
export async function transpileProduct(): Promise<TranspiledProduct> {
  const parent = join(ROOT, 'test/e2e/.tmp');
  await mkdir(parent, { recursive: true });
  const target = await mkdtemp(join(parent, 'product-'));
  for (const folder of ['src', 'migrations']) {
    const files = await readdir(join(ROOT, folder), { recursive: true });
    await Promise.all(
      files.filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts')).map((file) => transpile(join(ROOT, folder, file))),
    );
  }
  return { dist: join(target, 'src'), remove: () => rm(target, { recursive: true, force: true }) };

  async function transpile(source: string): Promise<void> {
    const { code } = await transformFile(source, { swcrc: true, root: ROOT, sourceMaps: 'inline' });
    const output = join(target, relative(ROOT, source).replace(/\.ts$/, '.js'));
    await mkdir(dirname(output), { recursive: true });
    await writeFile(output, code);
  }
}
