import { type Template } from 'liquidjs';
import {
  CONTENT_LIMITS,
  type CompileOptions,
  type CompileResult,
  type ContentPath,
  type ContentProblem,
  type ContentSource,
} from './compiled-content.js';
import { checkHtml } from './html-safety.js';
import { lintMarkup, lintUnsubscribe, showsUnsubscribe } from './content-lint.js';
import { scanHtml, type HtmlScan } from './html-scan.js';
import { applyEdits, LinkSlots, type Edit } from './link-slots.js';
import { checkLiquid, lintMergeFields, variablesOf } from './liquid-check.js';
import { AUTHOR_ENGINES, ENGINES } from './liquid-engines.js';
import { LiquidMask } from './liquid-mask.js';
import { mjmlToHtml } from './mjml-to-html.js';
import { plainTextOf } from './plain-text-alternative.js';
import { SLOTS } from './slot-tags.js';

const FOOTER_HTML =
  '<div style="margin:24px auto 0;padding:16px;max-width:600px;font-family:Arial,Helvetica,sans-serif;font-size:12px;line-height:1.5;color:#666666;text-align:center;">' +
  '{{ tenant.name }}<br />{{ tenant.postal_address | newline_to_br }}<br /><a href="{{ unsubscribe_url }}" style="color:#666666;">Unsubscribe</a></div>';
const FOOTER_TEXT = '\n-- \n{{ tenant.name }}\n{{ tenant.postal_address }}\nUnsubscribe: {{ unsubscribe_url }}\n';
const PREHEADER_STYLE = 'display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;';
const PIXEL = `<img src="${SLOTS.pixel}" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px;" />`;

/**
 * Compiles one version of content: strict Liquid check → MJML → safety check → link slots → footer and pixel → plain text. Everything that does
 * not depend on the recipient happens here. Bad input comes back as problems; CPU and memory are bounded by whoever calls it (the content
 * worker), except that sources beyond the size limits are refused at once.
 */
export async function compileContent(source: ContentSource, options: CompileOptions): Promise<CompileResult> {
  const compilation = new Compilation(source, options);
  const compiled = await compilation.run();
  const { problems, webAddresses } = compilation;
  return { compiled: problems.some((problem) => problem.severity === 'error') ? null : compiled, problems, webAddresses };
}

class Compilation {
  readonly problems: ContentProblem[] = [];
  webAddresses: string[] = [];

  constructor(
    private readonly source: ContentSource,
    private readonly options: CompileOptions,
  ) {}

  async run(): Promise<CompileResult['compiled']> {
    if (!this.checkSizes()) return null;
    const { content, subject } = this.source;
    const contentTemplates = this.checkLiquid('html', content, 'emailContent');
    const subjectTemplates = this.checkLiquid('text', subject, 'subjectLine');
    const textTemplates = this.source.text ? this.checkLiquid('text', this.source.text, 'textContent') : [];
    const preheaderTemplates = this.source.preheader ? this.checkLiquid('html', this.source.preheader, 'preheader') : [];
    if (!contentTemplates || !subjectTemplates || !textTemplates || !preheaderTemplates) return null;
    const mask = new LiquidMask(content);
    this.problems.push(...lintMergeFields(mask, contentTemplates, 'emailContent'));
    this.problems.push(...lintMergeFields(new LiquidMask(subject), subjectTemplates, 'subjectLine'));
    const html = await this.toSafeHtml(mask);
    if (html === null) return null;
    const variables = variablesOf([...contentTemplates, ...subjectTemplates, ...textTemplates, ...preheaderTemplates]);
    return this.assemble(html, mask, variables);
  }

  private checkSizes(): boolean {
    const { subject, content, text, preheader } = this.source;
    const tooLong = (value: string | null | undefined, limit: number, path: ContentPath) => {
      if (value && value.length > limit)
        this.error(path, 'too_large', `This is too long: ${value.length} characters, at most ${limit} are possible.`);
    };
    tooLong(subject, CONTENT_LIMITS.subject, 'subjectLine');
    tooLong(content, CONTENT_LIMITS.source, 'emailContent');
    tooLong(text, CONTENT_LIMITS.source, 'textContent');
    tooLong(preheader, CONTENT_LIMITS.preheader, 'preheader');
    if (content.trim() === '') this.error('emailContent', 'empty_content', 'The content is empty.');
    if (subject.trim() === '') this.warn('subjectLine', 'empty_subject', 'The subject is empty.');
    return !this.hasErrors();
  }

  private checkLiquid(engine: 'html' | 'text', source: string, path: ContentPath): Template[] | null {
    const { templates, problems } = checkLiquid(AUTHOR_ENGINES[engine], source, path);
    this.problems.push(...problems);
    return templates;
  }

  /** Masked HTML that passed the safety check, or null with the reasons recorded. */
  private async toSafeHtml(mask: LiquidMask): Promise<string | null> {
    const scan = scanHtml(mask.masked);
    this.checkSafety(mask.masked, scan, mask, true);
    this.problems.push(...lintMarkup(scan, mask));
    if (this.hasErrors()) return null;
    if (this.source.format === 'html') return mask.masked;
    if (!scan.elements.some((element) => element.name === 'mjml')) {
      this.error('emailContent', 'mjml_syntax', 'MJML content starts with <mjml>. For plain HTML choose the format "html".');
      return null;
    }
    if (scan.elements.length > CONTENT_LIMITS.mjmlElements) {
      this.error(
        'emailContent',
        'too_many_elements',
        `The MJML has ${scan.elements.length} elements; at most ${CONTENT_LIMITS.mjmlElements} are possible.`,
      );
      return null;
    }
    const { html, problems } = await mjmlToHtml(mask);
    this.problems.push(...problems);
    // MJML can move attributes and text around, so its output is judged again.
    if (html !== null && !this.hasErrors()) this.checkSafety(html, scanHtml(html), mask, false);
    return this.hasErrors() ? null : html;
  }

  private checkSafety(html: string, scan: HtmlScan, mask: LiquidMask, isSource: boolean): void {
    for (const finding of checkHtml(html, scan, mask).slice(0, 20)) {
      this.problems.push({
        path: 'emailContent',
        code: finding.code,
        message: finding.message,
        ...(isSource ? { line: mask.lineAt(finding.offset) } : {}),
        severity: 'error',
      });
    }
    if (isSource && scan.depth > CONTENT_LIMITS.depth) {
      this.error('emailContent', 'too_deep', `Elements are nested ${scan.depth} deep; at most ${CONTENT_LIMITS.depth} is possible.`);
    }
  }

  private assemble(html: string, mask: LiquidMask, variables: string[]): CompileResult['compiled'] {
    const { subject, text: ownText } = this.source;
    const slots = new LinkSlots(mask, this.options.trackClicks);
    const scan = scanHtml(html);
    const usesUnsubscribe = showsUnsubscribe(html, scan, mask);
    const addsFooter = this.options.unsubscribeFooter && !usesUnsubscribe;
    if (this.options.unsubscribeFooter && usesUnsubscribe) this.problems.push(...lintUnsubscribe(mask));
    const linkEdits = slots.editsFor(scan);
    const linked = applyEdits(html, linkEdits);
    const alternative = this.compileText(ownText, linked, mask, slots);
    // A text of the author's own may lack the link that the HTML has.
    const textNeedsFooter = this.options.unsubscribeFooter && !/\bunsubscribe_url\b/.test(alternative);
    const text = alternative + (textNeedsFooter ? FOOTER_TEXT : '');
    const finished = mask.unmask(applyEdits(html, [...linkEdits, ...this.insertions(html, scan, mask, addsFooter)]));
    this.problems.push(...dedupe(slots.problems));
    this.webAddresses = [...slots.webAddresses];
    if (finished.length > CONTENT_LIMITS.output) {
      this.error(
        'emailContent',
        'too_large',
        `The compiled HTML has ${finished.length} characters; at most ${CONTENT_LIMITS.output} are possible.`,
      );
      return null;
    }
    const size = Buffer.byteLength(subject) + Buffer.byteLength(finished) + Buffer.byteLength(text);
    if (Buffer.byteLength(finished) > CONTENT_LIMITS.clipBytes) {
      this.warn(
        'emailContent',
        'large',
        `The HTML has ${Math.round(Buffer.byteLength(finished) / 1000)} KB; Gmail cuts messages off at about 100 KB.`,
      );
    }
    // What the compiler wrote must be readable by the engines that render it; anything else is a fault of ours, found here and not at sending.
    ENGINES.html.parse(finished);
    ENGINES.text.parse(text);
    const hasUnsubscribe = usesUnsubscribe || addsFooter;
    return { version: 1, subject, html: finished, text, links: slots.links, hasUnsubscribe, size, variables };
  }

  /** The given text with its addresses as slots, or the alternative derived from the HTML. Unmasked. */
  private compileText(own: string | null | undefined, html: string, mask: LiquidMask, slots: LinkSlots): string {
    if (own && own.trim() !== '') return inOwnText(own, slots, mask);
    const derived = plainTextOf(html, mask, slots.addresses);
    if (derived.trim() === '')
      this.warn('emailContent', 'no_text', 'The content has no text: many filters treat a message of images only as spam.');
    return mask.unmask(derived);
  }

  /** Preheader after `<body>`, footer and pixel before `</body>`, or at the very beginning and end. */
  private insertions(html: string, scan: HtmlScan, mask: LiquidMask, addsFooter: boolean): Edit[] {
    const body = scan.elements.find((element) => element.name === 'body');
    const closing = scan.closings.findLast((candidate) => candidate.name === 'body' || candidate.name === 'html');
    const first = scan.closings.find((candidate) => candidate.name === 'body') ?? closing;
    const start = body?.openEnd ?? (/^\s*<!doctype[^>]*>/i.exec(html)?.[0].length || 0);
    const end = first?.start ?? html.length;
    const preheader = this.source.preheader?.trim();
    const edits: Edit[] = [];
    if (preheader) edits.push({ start, end: start, text: mask.add(`<div style="${PREHEADER_STYLE}">${escapeMarkup(preheader)}</div>`) });
    const tail = (addsFooter ? FOOTER_HTML : '') + (this.options.trackOpens ? PIXEL : '');
    if (tail) edits.push({ start: end, end, text: mask.add(tail) });
    return edits;
  }

  private hasErrors(): boolean {
    return this.problems.some((problem) => problem.severity === 'error');
  }

  private error(path: ContentPath, code: string, message: string): void {
    this.problems.push({ path, code, message, severity: 'error' });
  }

  private warn(path: ContentPath, code: string, message: string): void {
    this.problems.push({ path, code, message, severity: 'warning' });
  }
}

/** Own text has its own Liquid, hence its own mask; slots come from the shared list so that indexes agree with the HTML. */
function inOwnText(own: string, slots: LinkSlots, mask: LiquidMask): string {
  const ownMask = new LiquidMask(own.replace(/\r\n?/g, '\n'));
  let masked = ownMask.masked;
  masked = masked.replace(ownMask.pattern, (_word, index: string) =>
    mask.add(ownMask.tokens[Number(index)].text, ownMask.tokens[Number(index)].name),
  );
  return mask.unmask(slots.inText(masked)).trim() + '\n';
}

/** A preheader is text: its markup is shown, its Liquid kept. */
function escapeMarkup(preheader: string): string {
  const mask = new LiquidMask(preheader);
  return mask.unmask(mask.masked.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'));
}

function dedupe(problems: ContentProblem[]): ContentProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ message }) => !seen.has(message) && seen.add(message));
}
