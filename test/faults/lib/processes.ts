import { Child } from '../../support/child.js';
import { adopt } from './orphans.js';

/** Starts `processes/<file>.js`; however this run ends, that one does too. */
export async function startProcess(file: string, args: string[]): Promise<Child> {
  const child = await Child.start(new URL(`../processes/${file}.js`, import.meta.url), { args });
  adopt(child.process);
  return child;
}
