import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppConfig, loadConfig, withDatabase } from '../../config/index.js';
import { EmbeddedPostgres } from '../../database/index.js';
import { DomainError } from '../../shared/domain-error.js';
import { AppModule } from '../app.module.js';
import { isForPeople, prepare } from '../start.js';
import { type Command, UsageError, parseOptions, usageOf } from './command.js';

/** Runs one command line and returns the exit code: 0 done, 1 failed, 2 wrong usage. Everything it started is stopped again. */
export async function runCommand(commands: readonly Command[], argv: string[], load: () => AppConfig = loadConfig): Promise<number> {
  const [name, ...args] = argv;
  const command = commands.find((candidate) => candidate.name === name);
  if (!command || args.includes('--help')) {
    if (name && !command && name !== 'help' && name !== '--help') console.error(`Unknown command: ${name}\n`);
    console.error(usageOf(commands, command));
    return command || name === 'help' || name === '--help' ? 0 : 2;
  }
  try {
    const options = parseOptions(command, args);
    return (await onDatabase(load(), (config) => withApplication(config, command, options))) ?? 0;
  } catch (error) {
    return explain(error, commands, command);
  }
}

async function onDatabase<T>(config: AppConfig, fn: (config: AppConfig) => Promise<T>): Promise<T> {
  if (!config.database.embedded) return fn(config);
  // A running service shares its server with us.
  const server = await EmbeddedPostgres.start({ dataDir: config.dataDir, log: (line) => console.error(line) });
  try {
    return await fn(withDatabase(config, server.addresses));
  } finally {
    await server.stop();
  }
}

async function withApplication(config: AppConfig, command: Command, options: Record<string, string | undefined>) {
  const { applied, warnings } = await prepare(config);
  for (const warning of warnings) console.error(warning);
  for (const migration of applied) console.error(`Applied ${migration}`);
  Logger.overrideLogger(['warn', 'error', 'fatal']);
  const none = { api: false, worker: false, scheduler: false };
  const idle = Object.freeze(Object.assign(new AppConfig(), config, { roles: none }));
  const app = await NestFactory.createApplicationContext(AppModule.register(idle), {
    logger: ['warn', 'error', 'fatal'],
    abortOnError: false,
  });
  try {
    return await command.run({ app, options, print: (line) => console.log(line) });
  } finally {
    await app.close();
  }
}

function explain(error: unknown, commands: readonly Command[], command: Command): number {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${usageOf(commands, command)}`);
    return 2;
  }
  if (error instanceof DomainError || isForPeople(error)) console.error(error.message);
  else console.error(error);
  return 1;
}
