import { type ContentProblem } from './compiled-content.js';
import { type LiquidMask } from './liquid-mask.js';

/**
 * MJML to HTML. Costs milliseconds to seconds of CPU and amplifies its input about 25 times, so it runs in the content worker only. Includes are
 * refused before and ignored here. `mask` has hidden the Liquid; whatever MJML drops of it (it drops text between components) is a problem,
 * because a lost `{% endif %}` changes what a message says.
 */
export async function mjmlToHtml(mask: LiquidMask): Promise<{ html: string | null; problems: ContentProblem[] }> {
  // Loaded on first use: half a second that plain HTML need not pay.
  const { default: mjml2html } = await import('mjml');
  let result: Awaited<ReturnType<typeof mjml2html>>;
  try {
    result = await mjml2html(mask.masked, {
      validationLevel: 'soft',
      ignoreIncludes: true,
      keepComments: true,
      minify: false,
      beautify: false,
    });
  } catch (error) {
    if (error instanceof RangeError) return { html: null, problems: [problem('too_deep', 'The MJML is nested too deeply.')] };
    return { html: null, problems: [problem('mjml_syntax', `The MJML cannot be read: ${mask.unmask((error as Error).message)}`)] };
  }
  const problems = result.errors.flatMap((fault) => mjmlProblem(fault, mask));
  problems.push(...lostLiquid(mask, result.html));
  return { html: trimIndentation(result.html), problems };
}

function mjmlProblem(fault: { line: number; message: string; tagName: string }, mask: LiquidMask): ContentProblem[] {
  // A merge field as a value (`color="{{ … }}"`) cannot be judged before it is filled.
  if (mask.has(fault.message) && /invalid value/.test(fault.message)) return [];
  const before = mask.masked.split('\n').slice(0, Math.max(fault.line - 1, 0));
  const offset = before.reduce((sum, line) => sum + line.length + 1, 0);
  const severity = /doesn't exist/.test(fault.message) ? 'error' : 'warning';
  return [{ ...problem('mjml_invalid', `<${fault.tagName}>: ${mask.unmask(fault.message).trim()}`), line: mask.lineAt(offset), severity }];
}

function lostLiquid(mask: LiquidMask, html: string): ContentProblem[] {
  const kept = new Set(mask.tokensIn(html));
  const lost = mask.tokens.find(
    (token) => !kept.has(token) && token.name !== '#' && token.name !== 'comment' && token.name !== 'endcomment',
  );
  if (!lost) return [];
  const message = `MJML drops ${lost.text.slice(0, 60)} where it stands. Put it inside a text element, or between components as <mj-raw>${lost.text.slice(0, 60)}</mj-raw>.`;
  return [{ ...problem('mjml_drops_liquid', message), line: mask.lineOf(lost) }];
}

/** MJML indents lavishly: white space is a quarter of its output, sent to every recipient. */
function trimIndentation(html: string): string {
  return /<(?:pre|textarea)[\s>]/i.test(html) ? html : html.replace(/\n\s+/g, '\n');
}

function problem(code: string, message: string): ContentProblem {
  return { path: 'emailContent', code, message, severity: 'error' };
}
