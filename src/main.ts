import { Logger } from '@nestjs/common';
import { createLogger } from './app/logger.js';
import { Shutdown } from './app/shutdown.js';
import { isForPeople, start } from './app/start.js';
import { loadConfig } from './config/index.js';

const shutdown = new Shutdown((message) => console.error(message));

async function stop(exitCode: number): Promise<void> {
  await shutdown.run();
  process.exit(exitCode);
}

function fail(error: unknown): void {
  // What breaks because everything is being stopped is no news.
  if (!shutdown.begun) console.error(isForPeople(error) ? error.message : error);
  void stop(1);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Asked a second time, we no longer wait for what is in progress.
    if (shutdown.begun) shutdown.hurry();
    void stop(0);
  });
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  const config = loadConfig();
  const logger = createLogger(config.logLevel);
  Logger.overrideLogger(logger);
  await start(config, shutdown, logger);
} catch (error) {
  fail(error);
}
