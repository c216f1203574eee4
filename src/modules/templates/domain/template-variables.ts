import { toValueSync, Value, type Template } from 'liquidjs';

/**
 * Which names templates read and define. LiquidJS's own analysis computes a line for every use by counting from the beginning, which is
 * quadratic and took seconds on large content; this walk computes none.
 */
export interface VariableUse {
  /** `contact.attributes.plan`, as far as the path is literal. */
  path: string;
  segments: string[];
  begin: number;
}

interface LooseToken {
  props?: { content?: unknown }[];
  variable?: unknown;
  lhs?: object;
  rhs?: object;
  begin: number;
}

function* walk(templates: Template[]): Generator<Template> {
  for (const template of templates) {
    yield template;
    if (template.children) yield* walk(toValueSync(template.children(false, true)) as Template[]);
  }
}

/** Names the templates define themselves (`assign`, `capture`), wherever they stand. */
export function localNames(templates: Template[]): Set<string> {
  const names = new Set<string>();
  for (const template of walk(templates))
    for (const name of template.localScope?.() ?? []) names.add((name as { content: string }).content);
  return names;
}

/** Every use of a name that the templates expect from outside. */
export function globalUses(templates: Template[]): VariableUse[] {
  const local = localNames(templates);
  const uses: VariableUse[] = [];
  for (const template of walk(templates)) {
    for (const name of template.blockScope?.() ?? []) local.add(name);
    for (const argument of template.arguments?.() ?? []) uses.push(...usesIn(argument));
  }
  return uses.filter(({ segments }) => !local.has(segments[0]));
}

function usesIn(argument: unknown): VariableUse[] {
  if (!(argument instanceof Value)) return usesInToken(argument as LooseToken);
  const filterArguments = argument.filters.flatMap((filter) => filter.args.map((arg) => (Array.isArray(arg) ? arg[1] : arg)));
  return [...argument.initial.postfix, ...filterArguments].flatMap((token) => usesInToken(token as unknown as LooseToken | undefined));
}

function usesInToken(token: LooseToken | undefined): VariableUse[] {
  if (!token) return [];
  if (token.lhs || token.rhs) return [...usesInToken(token.lhs as LooseToken), ...usesInToken(token.rhs as LooseToken)];
  if (!token.props) return [];
  const nested = token.props.flatMap((prop) => usesInToken(prop as LooseToken));
  const computed = token.props.findIndex((prop) => typeof prop.content !== 'string' && typeof prop.content !== 'number');
  const segments = token.props.slice(0, computed < 0 ? undefined : computed).map((prop) => String(prop.content));
  return segments.length === 0 || token.variable ? nested : [{ path: segments.join('.'), segments, begin: token.begin }, ...nested];
}
