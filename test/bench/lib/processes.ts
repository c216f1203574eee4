import { Child } from '../../support/child.js';

/** Starts `processes/<file>.js`, as the product would run. */
export const startProcess = (file: string): Promise<Child> =>
  Child.start(new URL(`../processes/${file}.js`, import.meta.url), { env: { NODE_ENV: 'production' } });
