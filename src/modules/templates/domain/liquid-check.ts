import { analyzeSync, type Liquid, type Template, type Token } from 'liquidjs';
import { type ContentPath, type ContentProblem } from './compiled-content.js';
import { ALLOWED_FILTERS, ALLOWED_TAGS } from './liquid-engines.js';
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
    // LiquidJS parses, analyses and renders by recursion: depth is checked before any of it.
    if (blockDepth(new LiquidMask(source).tokens) > MAX_DEPTH) throw new RangeError('nested too deeply');
    return { templates: engine.parse(source), problems: [] };
  } catch (error) {
    return { templates: null, problems: [liquidProblem(error, path)] };
  }
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
  const globals = analyzeSync(templates, { partials: false }).globals;
  return [...new Set(Object.values(globals).flatMap((uses) => uses.map(String)))].sort();
}

/** Advice about merge fields: names that nothing will fill, and fields that may be empty without a default. */
export function lintMergeFields(mask: LiquidMask, templates: Template[], path: ContentPath): ContentProblem[] {
  const problems = Object.entries(analyzeSync(templates, { partials: false }).globals).flatMap(([root, uses]) => {
    const field = uses.find((use) => root === 'contact' && typeof use.segments[1] === 'string' && !CONTACT_FIELDS.has(use.segments[1]));
    const unknown = ROOTS.has(root) ? field : uses[0];
    if (!unknown) return [];
    const hint = CONTACT_FIELDS.has(root)
      ? ` Did you mean contact.${root}?`
      : field
        ? ` Did you mean contact.attributes.${String(field.segments[1])}?`
        : '';
    return [
      {
        path,
        code: 'unknown_variable',
        message: `Nothing is called "${String(unknown)}".${hint}`,
        line: unknown.location.row,
        severity: 'warning' as const,
      },
    ];
  });
  return [...problems, ...missingDefaults(mask, path)];
}

function missingDefaults(mask: LiquidMask, path: ContentPath): ContentProblem[] {
  const conditions = mask.tokens.filter((token) => token.name !== '').map((token) => token.text);
  const seen = new Set<string>();
  const problems: ContentProblem[] = [];
  for (const token of mask.tokens) {
    const field = token.name === '' ? /^\{\{-?\s*(contact(?:\.[\w-]+)+)/.exec(token.text)?.[1] : undefined;
    if (!field || seen.has(field) || SURE_FIELDS.has(field) || /\|\s*(?:default|required)\b/.test(token.text)) continue;
    if (conditions.some((text) => text.includes(field))) continue;
    seen.add(field);
    const message = `${field} may be empty. Give it a default: {{ ${field} | default: "…" }}.`;
    problems.push({ path, code: 'no_default', message, line: mask.lineOf(token), severity: 'warning' });
  }
  return problems;
}
