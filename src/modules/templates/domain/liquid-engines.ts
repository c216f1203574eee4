import { Liquid, filters as builtInFilters, tags as builtInTags, type FilterImplOptions } from 'liquidjs';
import { escapeHtml, escapeHtmlOnce, plainText } from './escape.js';
import { CappedRenderer } from './render-budget.js';
import { RenderError } from './render-error.js';
import { slotTags, type TagClass } from './slot-tags.js';
import { UrlValue } from './url-value.js';

/** Tags an author may use. Partials, layouts and counters that write into the data are not among them; `raw` would hide markup from the checks. */
export const ALLOWED_TAGS = [
  'assign',
  'break',
  'capture',
  'case',
  'comment',
  'continue',
  'cycle',
  'echo',
  'for',
  'if',
  'unless',
  '#',
] as const;

/** Filters an author may use: pure, bounded by the memory limit, and unable to switch escaping off. */
export const ALLOWED_FILTERS = (
  'abs append at_least at_most base64_encode capitalize ceil cgi_escape compact concat date date_to_long_string date_to_rfc822 date_to_string ' +
  'date_to_xmlschema default divided_by downcase escape escape_once first floor join json last lstrip map minus modulo newline_to_br ' +
  'normalize_whitespace number_of_words plus prepend remove remove_first remove_last replace replace_first replace_last reverse round rstrip ' +
  'size slice slugify sort sort_natural split squish strip strip_newlines sum times to_integer truncate truncatewords uniq upcase uri_escape ' +
  'url_decode url_encode where xml_escape'
).split(' ');

type Handler = (this: unknown, ...args: unknown[]) => unknown;

function handlerOf(name: string): Handler {
  const filter = (builtInFilters as unknown as Record<string, Handler | { handler: Handler }>)[name];
  return typeof filter === 'function' ? filter : filter.handler;
}

/** `strftime` pads to any width it is told; nobody needs more than two digits of it. */
const date: Handler = function (this: unknown, value, format, ...rest) {
  if (typeof format === 'string' && (format.length > 100 || /%[^a-z%]*\d{3}/i.test(format))) {
    throw new RenderError('render_error', 'The format of a date filter is too long.');
  }
  return handlerOf('date').call(this, value, format, ...rest);
};

/** `{{ contact.first_name | required }}`: better no message than one without this value. */
function required(value: unknown): unknown {
  if (value === null || value === undefined || value === false || plainText(value).trim() === '') {
    throw new RenderError('missing_data', 'A value the content requires is missing for this recipient.');
  }
  return value;
}

/** Escaping filters already give safe HTML, so the automatic escape must not run again. */
const HTML_FILTERS: Record<string, FilterImplOptions> = {
  escape: { raw: true, handler: escapeHtml },
  xml_escape: { raw: true, handler: escapeHtml },
  escape_once: { raw: true, handler: escapeHtmlOnce },
  newline_to_br: { raw: true, handler: (value: unknown) => escapeHtmlOnce(value).replace(/\r?\n/g, '<br />\n') },
};

/** In plain text there is nothing to escape: an author's `| escape`, copied from the HTML, must not show up as `&amp;`. */
const TEXT_FILTERS: Record<string, FilterImplOptions> = {
  escape: plainText,
  xml_escape: plainText,
  escape_once: plainText,
  newline_to_br: plainText,
};

/** What the author has already encoded is written as it is. */
const URL_FILTERS: Record<string, FilterImplOptions> = {
  ...TEXT_FILTERS,
  url_encode: { raw: true, handler: handlerOf('url_encode') },
  cgi_escape: { raw: true, handler: handlerOf('cgi_escape') },
  uri_escape: { raw: true, handler: handlerOf('uri_escape') },
};

function buildEngine(
  outputEscape: (value: unknown) => unknown,
  overrides: Record<string, FilterImplOptions>,
  tags: Record<string, TagClass> = {},
): Liquid {
  const engine = new Liquid({
    templates: {},
    dynamicPartials: false,
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: false,
    outputEscape: outputEscape as (value: unknown) => string,
    parseLimit: 2_000_000,
    // A last resort only: work is bounded by counting it (RenderBudget), because a clock would fail a good message on a busy machine.
    renderLimit: 10_000,
    memoryLimit: 100_000,
  });
  for (const name of Object.keys(builtInTags)) delete engine.tags[name];
  for (const name of ALLOWED_TAGS) engine.registerTag(name, builtInTags[name]);
  for (const [name, tag] of Object.entries(tags)) engine.registerTag(name, tag);
  for (const name of Object.keys(engine.filters)) if (!ALLOWED_FILTERS.includes(name)) engine.unregisterFilter(name);
  for (const [name, filter] of Object.entries({ date, required, ...overrides })) engine.registerFilter(name, filter as FilterImplOptions);
  (engine as unknown as { renderer: CappedRenderer }).renderer = new CappedRenderer();
  return engine;
}

export type RenderContext = 'html' | 'text' | 'url';

const url = buildEngine((value) => new UrlValue(value), URL_FILTERS);

/** One engine per place a value can land in. They know the slot tags, which only the compiler may write. */
export const ENGINES: Record<RenderContext, Liquid> = {
  url,
  html: buildEngine(escapeHtml, HTML_FILTERS, slotTags(url, escapeHtml)),
  text: buildEngine(plainText, TEXT_FILTERS, slotTags(url, plainText)),
};

/** For what authors write: the same language without the slot tags, so that nobody can forge a tracked link. */
export const AUTHOR_ENGINES = { html: buildEngine(escapeHtml, HTML_FILTERS), text: buildEngine(plainText, TEXT_FILTERS) };
