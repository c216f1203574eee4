import { ConsoleLogger, type LogLevel as NestLevel } from '@nestjs/common';
import type { LogLevel } from '../config/index.js';

const LOUDEST_FIRST: [LogLevel, NestLevel][] = [
  ['fatal', 'fatal'],
  ['error', 'error'],
  ['warn', 'warn'],
  ['info', 'log'],
  ['debug', 'debug'],
  ['verbose', 'verbose'],
];

/** What Nest says about each module and route at every start: of interest to developers only. */
const CHATTER = new Set<unknown>(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

class AppLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (CHATTER.has(rest.at(-1))) super.debug(message, ...rest);
    else super.log(message, ...rest);
  }
}

/** JSON lines for machines, colours for people at a terminal. */
export function createLogger(level: LogLevel): ConsoleLogger {
  const upTo = LOUDEST_FIRST.findIndex(([name]) => name === level);
  return new AppLogger({ json: !process.stdout.isTTY, logLevels: LOUDEST_FIRST.slice(0, upTo + 1).map(([, nest]) => nest) });
}
