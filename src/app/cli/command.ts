import { parseArgs } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';

/** The command line was wrong: printed with the usage of the command. */
export class UsageError extends Error {}

export interface Option {
  description: string;
  isRequired?: boolean;
}

/** What a command gets: its options as given, the application without HTTP, workers and crons, and where to print its result. */
export interface CommandInput {
  options: Record<string, string | undefined>;
  app: INestApplicationContext;
  print: (line: string) => void;
}

/** One task for operators: `npm run cli -- <name> --option value`. Modules add theirs to the list in `commands.ts`. */
export interface Command {
  name: string;
  summary: string;
  options: Record<string, Option>;
  /** Resolves with the exit code; nothing means 0. */
  run(input: CommandInput): Promise<number | void>;
}

/** Reads the options of a command; `UsageError` for unknown, missing and empty ones. */
export function parseOptions(command: Command, args: string[]): Record<string, string | undefined> {
  const known = Object.fromEntries(Object.keys(command.options).map((name) => [name, { type: 'string' as const }]));
  let values: Record<string, string | undefined>;
  try {
    values = parseArgs({ args, options: known, strict: true, allowPositionals: false }).values as Record<string, string | undefined>;
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0]);
  }
  for (const [name, option] of Object.entries(command.options)) {
    if (option.isRequired && !values[name]?.trim()) throw new UsageError(`--${name} is missing`);
  }
  return values;
}

/** One command with its options, or all of them with one line each. */
export function usageOf(commands: readonly Command[], command?: Command): string {
  if (!command) {
    const width = Math.max(...commands.map(({ name }) => name.length));
    return ['Usage: npm run cli -- <command> [options]', '', ...commands.map((c) => `  ${c.name.padEnd(width)}  ${c.summary}`)].join('\n');
  }
  const options = Object.entries(command.options);
  const line = options.map(([name, { isRequired }]) => (isRequired ? `--${name} …` : `[--${name} …]`)).join(' ');
  const width = Math.max(0, ...options.map(([name]) => name.length));
  return [
    `${command.summary}`,
    '',
    `Usage: npm run cli -- ${command.name} ${line}`.trimEnd(),
    '',
    ...options.map(([name, { description }]) => `  --${name.padEnd(width)}  ${description}`),
  ].join('\n');
}
