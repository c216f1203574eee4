import { ConsoleLogger, type LogLevel as NestLevel } from '@nestjs/common';
import type { LogLevel } from '../config/index.js';
import { redact, redacted } from './redact.js';

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

  /** Everything comes through here. */
  protected override printMessages(...args: Parameters<ConsoleLogger['printMessages']>): void {
    const [messages, context, level, stream, stack, params] = args;
    super.printMessages(
      messages.map((message) => redacted(message)),
      context,
      level,
      stream,
      redacted(stack),
      redacted(params) as typeof params,
    );
  }

  /** Except stacks for people. */
  protected override printStackTrace(stack: string): void {
    super.printStackTrace(typeof stack === 'string' ? redact(stack) : stack);
  }
}

/** JSON lines for machines, colours for people at a terminal; nobody's address and no secret in them. */
export function createLogger(level: LogLevel): ConsoleLogger {
  const upTo = LOUDEST_FIRST.findIndex(([name]) => name === level);
  return new AppLogger({
    json: !process.stdout.isTTY,
    flattenParams: true,
    logLevels: LOUDEST_FIRST.slice(0, upTo + 1).map(([, nest]) => nest),
  });
}
