import { Output, type Context, type Liquid, type Template } from 'liquidjs';

/**
 * Fast evaluation of the simple outputs that make up nearly all of a message: `{{ path }}` and `{{ path | filter: literal }}`. Results are the
 * same as LiquidJS's (a property test holds them together); everything else returns null and goes through LiquidJS.
 */
export interface FastContext {
  readonly env: Record<string, unknown>;
  /** Made on first use: only filters other than `default` need it. */
  context(): Context;
}

export type FastValue = (run: FastContext) => unknown;

interface LooseToken {
  content?: unknown;
  props?: LooseToken[];
  variable?: unknown;
  kind?: number;
}

type FilterHandler = (this: unknown, ...args: unknown[]) => unknown;

/** LiquidJS's `Filter`, of which the typings hide what is needed here. */
interface LooseFilter {
  name: string;
  args: unknown[];
  raw: boolean;
  handler: FilterHandler;
  token: unknown;
}

/** Path steps with a meaning of their own in Liquid. */
const SPECIAL = new Set(['size', 'first', 'last']);

/**
 * The value of an output, before the engine's own escape; `isEscaped` tells that the last filter already produced safe output. `locals` are names
 * the template defines itself: they live in the Liquid context, out of reach here.
 */
export function compileOutput(
  template: Template,
  engine: Liquid,
  locals: ReadonlySet<string>,
): { value: FastValue; isEscaped: boolean } | null {
  if (!(template instanceof Output)) return null;
  const { initial, filters } = template.value;
  if (initial.postfix.length !== 1) return null;
  const start = compileOperand(initial.postfix[0], locals);
  if (!start) return null;
  const own = filters as unknown as LooseFilter[];
  const isEscaped = own.at(-1)?.raw === true;
  let value: FastValue | null = start;
  for (const filter of isEscaped ? own : own.slice(0, -1)) {
    value = compileFilter(value, filter, engine, locals);
    if (!value) return null;
  }
  return { value, isEscaped };
}

function compileFilter(input: FastValue, filter: LooseFilter, engine: Liquid, locals: ReadonlySet<string>): FastValue | null {
  const { handler, token } = filter;
  if (Object.prototype.toString.call(handler) !== '[object Function]') return null;
  const args: FastValue[] = [];
  for (const arg of filter.args) {
    const operand = Array.isArray(arg) ? null : compileOperand(arg as object, locals);
    if (!operand) return null;
    args.push(operand);
  }
  if (filter.name === 'default' && args.length === 1) return compileDefault(input, args[0]);
  return (run) => handler.apply({ context: run.context(), token, liquid: engine }, [input(run), ...args.map((arg) => arg(run))]);
}

function compileDefault(input: FastValue, fallback: FastValue): FastValue {
  return (run) => {
    const value = input(run);
    const isEmpty =
      typeof value === 'string' || Array.isArray(value) ? value.length === 0 : value === undefined || value === null || value === false;
    return isEmpty ? fallback(run) : value;
  };
}

/** A literal or a path; null for anything else (ranges, drops like `empty`, computed paths, local names). */
export function compileOperand(token: object, locals: ReadonlySet<string>): FastValue | null {
  const { content, props, variable } = token as LooseToken;
  if ('content' in token) {
    return typeof content === 'string' || typeof content === 'number' || typeof content === 'boolean' ? () => content : null;
  }
  if (!props || variable) return null;
  const path = props.map((prop) => prop.content);
  if (!path.every((key): key is string => typeof key === 'string' && !SPECIAL.has(key)) || locals.has(path[0])) return null;
  return compilePath(path);
}

function compilePath(path: string[]): FastValue {
  return (run) => {
    let value: unknown = run.env;
    for (const key of path) {
      if (value === undefined || value === null) return value;
      // Own properties only: a path can never reach a prototype.
      value = Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : undefined;
    }
    return value;
  };
}

/** Literal text of the template, or undefined. */
export function constantOf(template: Template): string | undefined {
  const { str } = template as { str?: unknown };
  return typeof str === 'string' ? str : undefined;
}
