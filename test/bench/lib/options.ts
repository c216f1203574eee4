import { parseArgs } from 'node:util';

/** What the person at the command line asked for. */
export interface Options {
  only: string[];
  size: number | undefined;
  repeat: number;
  workers: number;
  /** One process with all roles, as `npm start` gives it, instead of API and workers apart. */
  isSingle: boolean;
  redisUrl: string | undefined;
  sink: 'minimal' | 'smtp-server';
  /** Load pg_stat_statements and print the most expensive statements of the measured phase. */
  statements: boolean;
  /** Switch row-level security off, to see what it costs. */
  withoutRls: boolean;
  /** Write `--cpu-prof` files of the product's processes into test/bench/results. */
  cpuProf: boolean;
  /** Further environment of the product's processes (`--env ADVANCE_BATCH=1000`). */
  env: Record<string, string>;
}

export const USAGE = `npm run bench -- [--only NAME,…] [--size N] [--repeat N] [--workers N] [--single] [--redis URL] [--env NAME=VALUE]…
                 [--sink minimal|smtp-server] [--statements] [--cpu-prof] [--without-rls]`;

export class UsageError extends Error {}

export function readOptions(argv: string[], names: string[]): Options {
  const { values } = parse(argv);
  const only = (values.only ?? '').split(',').filter(Boolean);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new UsageError(`There is no benchmark ${unknown.join(', ')}; there are ${names.join(', ')}`);
  if (values.sink !== 'minimal' && values.sink !== 'smtp-server') throw new UsageError('--sink is minimal or smtp-server');
  return {
    only: only.length > 0 ? only : names,
    size: values.size === undefined ? undefined : count('size', values.size),
    repeat: count('repeat', values.repeat),
    workers: count('workers', values.workers),
    isSingle: values.single,
    redisUrl: values.redis,
    sink: values.sink,
    statements: values.statements,
    withoutRls: values['without-rls'],
    cpuProf: values['cpu-prof'],
    env: Object.fromEntries(values.env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
  };
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        only: { type: 'string' },
        size: { type: 'string' },
        repeat: { type: 'string', default: '1' },
        workers: { type: 'string', default: '1' },
        single: { type: 'boolean', default: false },
        redis: { type: 'string' },
        sink: { type: 'string', default: 'minimal' },
        statements: { type: 'boolean', default: false },
        'without-rls': { type: 'boolean', default: false },
        'cpu-prof': { type: 'boolean', default: false },
        env: { type: 'string', multiple: true, default: [] },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function count(name: string, text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isInteger(value) || value < 1 || value > 5_000_000) throw new UsageError(`--${name} is a whole number from 1 to 5,000,000`);
  return value;
}
