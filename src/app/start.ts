import { Logger, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type AppConfig, ConfigError, withDatabase } from '../config/index.js';
import { DatabaseSetupError, EmbeddedPostgres, prepareDatabase } from '../database/index.js';
import { createHttpAdapter, registerHttp } from '../http/index.js';
import { DemoBootstrap } from '../modules/identity/index.js';
import { armFailPoints } from '../shared/fail-point.js';
import { AppModule } from './app.module.js';
import type { Shutdown } from './shutdown.js';

/** Cannot listen where it was told to; one line for people. */
export class ListenError extends Error {}

/** Faults that a person can mend: printed as they are, without a stack. */
export const isForPeople = (error: unknown): error is Error =>
  error instanceof ConfigError || error instanceof DatabaseSetupError || error instanceof ListenError;

/** Starts the roles of this process, and tells `shutdown` how to stop each part. */
export async function start(loaded: AppConfig, shutdown: Shutdown, logger: LoggerService): Promise<void> {
  const log = new Logger('Start');
  armFailPoints(loaded.failPoints);
  const config = await startDatabase(loaded, shutdown, log);
  if (shutdown.begun) return;
  const { applied, warnings } = await prepare(config);
  if (applied.length > 0) log.log(`Applied ${applied.length} migration(s), up to ${applied.at(-1)}`);
  for (const warning of warnings) log.warn(warning);
  const creating = NestFactory.create<NestFastifyApplication>(AppModule.register(config), createHttpAdapter(config.http), {
    logger,
    abortOnError: false,
  });
  const app = await shutdown.track('the application', creating, (created) => created.close());
  if (shutdown.begun) return;
  registerHttp(app);
  if (!config.roles.api) serveHealthOnly(app);
  await welcome(app);
  await listen(app, config, log);
}

/** Migrates, and refuses in production to start with a database role that would make row-level security void. */
export function prepare({ database, roles, nodeEnv }: AppConfig): ReturnType<typeof prepareDatabase> {
  const addresses = { ...database, url: database.url! };
  return prepareDatabase(addresses, { needsWorker: roles.worker || roles.scheduler, isStrict: nodeEnv === 'production' });
}

/** The key is for the person at the terminal: it goes past the logger, once. */
async function welcome(app: NestFastifyApplication): Promise<void> {
  const demo = await app.get(DemoBootstrap).run();
  if (demo) console.log(`Created the tenant "Demo". Its API key (also in ${demo.path}):\n\n  ${demo.apiKey}\n`);
}

async function startDatabase(config: AppConfig, shutdown: Shutdown, log: Logger): Promise<AppConfig> {
  if (!config.database.embedded) return config;
  log.log(`Starting the embedded PostgreSQL in ${config.dataDir}`);
  const starting = EmbeddedPostgres.start({ dataDir: config.dataDir, log: (message) => log.warn(message) });
  const embedded = await shutdown.track('the embedded database', starting, (started) => started.stop());
  return withDatabase(config, embedded.addresses);
}

/** A worker or scheduler answers its supervisor and the metrics collector, nobody else. */
function serveHealthOnly(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', async (request, reply) => {
    if (!/^\/(health|metrics)(\/|\?|$)/.test(request.url)) await reply.code(404).send();
  });
}

async function listen(app: NestFastifyApplication, config: AppConfig, log: Logger): Promise<void> {
  await app.init();
  const { host, port } = config.http;
  const fastify = app.getHttpAdapter().getInstance();
  // Not app.listen(): it logs a failure with its stack before we can say in one line what to do about it.
  const address = await fastify.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') throw error;
    const reason = error.code === 'EADDRINUSE' ? 'another program listens there already; stop it or set PORT' : error.message;
    throw new ListenError(`PORT=${port}: cannot listen on ${host}:${port}: ${reason}`);
  });
  const roles = Object.entries(config.roles).flatMap(([role, on]) => (on ? [role] : []));
  log.log(`Listening on ${address} as ${roles.join(', ')}`);
  if (!config.roles.api) return;
  log.log(`The API is described at ${config.publicUrl}/docs`);
  if (config.mail.provider === 'mailbox') log.log(`Messages go into ${config.dataDir}/mailbox, shown at ${config.publicUrl}/mailbox`);
}
