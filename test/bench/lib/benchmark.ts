import type { Options } from './options.js';
import type { Outcome } from './report.js';

export interface Benchmark {
  name: string;
  /** What it does, in one line. */
  about: string;
  /** As in the issue that set the target; `--size` overrides it. */
  size: number;
  /** One run, on a database of its own. */
  run(size: number, options: Options): Promise<Outcome>;
}
