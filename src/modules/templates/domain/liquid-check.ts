import { type Liquid, type Template, type Token } from 'liquidjs';
import { CONTENT_LIMITS, type ContentPath, type ContentProblem } from './compiled-content.js';
import { ALLOWED_FILTERS, ALLOWED_TAGS } from './liquid-engines.js';
import { globalUses, type VariableUse } from './template-variables.js';
import { blockDepth, LiquidMask } from './liquid-mask.js';

/** What merge data always offers; anything else is probably a typing mistake. */
const ROOTS = new Set(['contact', 'campaign', 'tenant', 'unsubscribe_url']);
const CONTACT_FIELDS = new Set(['id', 'email', 'first_name', 'last_name', 'timezone', 'lead_score', 'tags', 'attributes']);
/** Always present, so they need no default. */
const SURE_FIELDS = new Set(['contact.id', 'contact.email', 'contact.lead_score']);

/** Parses strictly; a fault comes back as a problem with its line instead of an exception. */
export function checkLiquid(
  engine: Liquid,
  source: string,
  path: ContentPath,
): { templates: Template[] | null; problems: ContentProblem[] } {
  try {
    const { tokens } = new LiquidMask(source);
    if (tokens.length > CONTENT_LIMITS.liquidTags) return { templates: null, problems: [tooManyTags(tokens.length, path)] };
    // LiquidJS parses, analyses and renders by recursion: depth is checked before any of it.
    if (blockDepth(tokens) > MAX_DEPTH) throw new RangeError('nested too deeply');
    return { templates: engine.parse(source), problems: [] };
  } catch (error) {
    return { templates: null, problems: [liquidProblem(error, path)] };
  }
}

function tooManyTags(count: number, path: ContentPath): ContentProblem {
  const message = `There are ${count} Liquid tags; at most ${CONTENT_LIMITS.liquidTags} are possible.`;
  return { path, code: 'too_many_tags', message, severity: 'error' };
}

const MAX_DEPTH = 50;

function liquidProblem(error: unknown, path: ContentPath): ContentProblem {
  if (error instanceof RangeError)
    return { path, code: 'too_deep', message: `Liquid blocks can be nested ${MAX_DEPTH} deep at most.`, severity: 'error' };
  const { message, token, originalError } = error as Error & { token?: Token; originalError?: Error };
  const line = token?.getPosition()[0];
  const plain = (originalError?.message ?? message).replace(/, line:\d+, col:\d+$/, '');
  return { path, code: 'liquid_syntax', message: explain(plain), ...(line ? { line } : {}), severity: 'error' };
}

function explain(message: string): string {
  const tag = /^tag "(.+)" not found$/.exec(message)?.[1];
  if (tag?.startsWith('end') || tag === 'else' || tag === 'elsif' || tag === 'when') return `{% ${tag} %} has no block to belong to.`;
  if (tag) return `There is no tag "${tag}". Available: ${ALLOWED_TAGS.filter((name) => name !== '#').join(', ')}.`;
  const filter = /^undefined filter: (.+)$/.exec(message)?.[1];
  if (filter) {
    const near = ALLOWED_FILTERS.find((name) => name.startsWith(filter.slice(0, 4)) || name.includes(filter) || filter.includes(name));
    return `There is no filter "${filter}".${near ? ` Did you mean "${near}"?` : ''}`;
  }
  return `The Liquid cannot be read: ${message}.`;
}

/** Paths the templates read that no tag of their own defines. */
export function variablesOf(templates: Template[]): string[] {
  return [...new Set(globalUses(templates).map(({ path }) => path))].sort();
}

/** Advice about merge fields: names that nothing will fill, and fields that may be empty without a default. */
export function lintMergeFields(mask: LiquidMask, templates: Template[], path: ContentPath): ContentProblem[] {
  const unknown = new Map<string, VariableUse>();
  for (const use of globalUses(templates)) {
    const [root, field] = use.segments;
    const isKnown = ROOTS.has(root) && (root !== 'contact' || field === undefined || CONTACT_FIELDS.has(field));
    const name = ROOTS.has(root) ? `${root}.${field}` : root;
    if (!isKnown && !unknown.has(name)) unknown.set(name, use);
  }
  const problems = [...unknown].slice(0, 20).map(([name, use]): ContentProblem => {
    const line = mask.source.slice(0, use.begin).split('\n').length;
    return { path, code: 'unknown_variable', message: `Nothing is called "${name}".${hintFor(use.segments)}`, line, severity: 'warning' };
  });
  return [...problems, ...missingDefaults(mask, path)];
}

function hintFor([root, field]: string[]): string {
  if (root === 'contact') return ` Did you mean contact.attributes.${field}?`;
  return CONTACT_FIELDS.has(root) ? ` Did you mean contact.${root}?` : '';
}

function missingDefaults(mask: LiquidMask, path: ContentPath): ContentProblem[] {
  const conditions = mask.tokens
    .filter((token) => token.name !== '')
    .map((token) => token.text)
    .join('\n');
  const seen = new Set<string>();
  const problems: ContentProblem[] = [];
  for (const token of mask.tokens) {
    const field = token.name === '' ? /^\{\{-?\s*(contact(?:\.[\w-]+)+)/.exec(token.text)?.[1] : undefined;
    if (!field || seen.has(field) || SURE_FIELDS.has(field) || /\|\s*(?:default|required)\b/.test(token.text)) continue;
    seen.add(field);
    if (problems.length >= 20 || conditions.includes(field)) continue;
    const message = `${field} may be empty. Give it a default: {{ ${field} | default: "…" }}.`;
    problems.push({ path, code: 'no_default', message, line: mask.lineOf(token), severity: 'warning' });
  }
  return problems;
}
