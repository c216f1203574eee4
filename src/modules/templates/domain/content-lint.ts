import type { ContentProblem } from './compiled-content.js';
import { attributeValue, type HtmlScan } from './html-scan.js';
import { openBlocks, type LiquidMask, type LiquidToken } from './liquid-mask.js';

const UNSUBSCRIBE = /\bunsubscribe_url\b/;
const FORM_ELEMENTS = new Set(['form', 'input', 'button', 'select', 'textarea']);

/** Advice about what the author wrote, before it is compiled: pictures without words, and forms. `scan` is of the masked source. */
export function lintMarkup(scan: HtmlScan, mask: LiquidMask): ContentProblem[] {
  const problems: ContentProblem[] = [];
  const images = scan.elements.filter(({ name }) => name === 'img' || name === 'mj-image');
  const silent = images.filter((element) => attributeValue(element, 'alt') === undefined);
  if (silent.length > 0) {
    const [first] = silent;
    const more = silent.length > 1 ? ` (and ${silent.length - 1} more)` : '';
    const message = `<${first.name}> has no alt text${more}: recipients who do not load images see nothing. Use alt="" for decoration.`;
    problems.push(warning('missing_alt', message, mask.lineAt(first.start)));
  }
  const form = scan.elements.find(({ name }) => FORM_ELEMENTS.has(name));
  if (form) {
    const message = `<${form.name}>: forms do not work in most mail clients, and filters take them for phishing. Link to a page with the form instead.`;
    problems.push(warning('form', message, mask.lineAt(form.start)));
  }
  return problems;
}

/**
 * Does the compiled HTML show a way to unsubscribe: as the address of a link, or as text? In a comment, or merely asked for in a condition, it
 * would be there for the program only. `scan` is of the masked `html`.
 */
export function showsUnsubscribe(html: string, scan: HtmlScan, mask: LiquidMask): boolean {
  const writes = (text: string) => mask.tokensIn(text).some(isOutput);
  const links = scan.elements.filter(({ name }) => name === 'a' || name === 'area');
  return (
    links.some(({ attributes }) => attributes.some(({ name, value }) => name.toLowerCase() === 'href' && writes(value))) ||
    scan.texts.some(({ start, end }) => writes(html.slice(start, end)))
  );
}

/** A warning where every unsubscribe link of the author stands inside a Liquid block, so that some contacts may get none. */
export function lintUnsubscribe(mask: LiquidMask): ContentProblem[] {
  const own = mask.tokens.filter(({ offset }) => offset >= 0);
  const outputs = own.flatMap((token, index) => (isOutput(token) ? [index] : []));
  const isConditional = (index: number) => openBlocks(own.slice(0, index)) > 0;
  if (outputs.length === 0 || !outputs.every(isConditional)) return [];
  const message = 'The unsubscribe link stands inside a Liquid block: contacts for whom that is left out get none. Put it outside.';
  return [warning('conditional_unsubscribe', message, mask.lineOf(own[outputs[0]]))];
}

function isOutput({ name, text }: LiquidToken): boolean {
  return name === '' && UNSUBSCRIBE.test(text);
}

function warning(code: string, message: string, line?: number): ContentProblem {
  return { path: 'emailContent', code, message, ...(line === undefined ? {} : { line }), severity: 'warning' };
}
