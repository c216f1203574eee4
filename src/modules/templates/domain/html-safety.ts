import { decodeEntities, scanHtml, type HtmlScan, type ScannedAttribute, type ScannedElement, type ScannedRange } from './html-scan.js';
import { isBalanced, type LiquidMask } from './liquid-mask.js';

/** A finding at an offset of the (masked) HTML that was looked at. */
export interface HtmlFinding {
  code: string;
  message: string;
  offset: number;
}

const FORBIDDEN = new Set('script iframe frame frameset object embed applet base mj-include noscript-script'.split(' '));
const ADDRESS_ATTRIBUTES = new Set('href src action formaction background poster data xlink:href lowsrc dynsrc cite longdesc'.split(' '));
/** Where an address with Liquid in it can do no harm (images), or is resolved and checked for each message (links). */
const DYNAMIC_ADDRESS_OK = new Set(
  'a.href area.href mj-button.href mj-image.href mj-section.href mj-social-element.href mj-navbar-link.href mj-hero.href'.split(' '),
);
const IMAGE_ATTRIBUTES = new Set(['src', 'background', 'poster', 'background-url']);
/** Liquid that may stand between the attributes of a tag. */
const IN_TAG = new Set(['if', 'elsif', 'else', 'endif', 'unless', 'endunless', 'case', 'when', 'endcase', '#']);

/**
 * What makes a message dangerous to whoever looks at it in a browser: scripts, event handlers, script addresses, and Liquid placed so that it
 * could assemble them (`<{{ 'script' }}>`, `on{% if x %}click{% endif %}`, a block that opens inside a quoted value and closes outside).
 * `html` is masked by `mask`.
 */
export function checkHtml(html: string, scan: HtmlScan, mask: LiquidMask): HtmlFinding[] {
  const check = new SafetyCheck(html, mask);
  check.run(scan);
  return check.findings;
}

class SafetyCheck {
  readonly findings: HtmlFinding[] = [];

  constructor(
    private readonly html: string,
    private readonly mask: LiquidMask,
    private readonly base = 0,
    private readonly isNested = false,
  ) {}

  run(scan: HtmlScan): void {
    for (const element of scan.elements) this.checkElement(element);
    for (const closing of scan.closings)
      if (this.mask.has(closing.name)) this.report('liquid_in_markup', 'Liquid must not stand in a tag name.', closing.start);
    for (const range of scan.declarations)
      if (this.mask.has(this.text(range))) this.report('liquid_in_markup', 'Liquid must not stand in a declaration.', range.start);
    for (const range of scan.rawTexts) this.checkRawText(range);
    for (const range of scan.comments) this.checkComment(range);
    for (const range of scan.texts) this.checkText(range);
  }

  private checkElement(element: ScannedElement): void {
    const { name, start, attributes } = element;
    if (this.mask.has(name))
      return this.report(
        'liquid_in_markup',
        'Liquid must not stand in a tag name; put a space before it if it belongs to an attribute.',
        start,
      );
    if (FORBIDDEN.has(name)) {
      return name === 'mj-include'
        ? this.report('include_not_allowed', '<mj-include> is not available: paste the content instead.', start)
        : this.report('forbidden_element', `<${name}> is not allowed in a message.`, start);
    }
    if (element.openEnd < 0 && !this.isNested) this.report('unclosed_tag', `The tag <${name} is not closed with ">".`, start);
    if (name === 'meta' && attributes.some((a) => a.name.toLowerCase() === 'http-equiv' && /refresh/i.test(decodeEntities(a.value)))) {
      this.report('forbidden_element', '<meta http-equiv="refresh"> is not allowed in a message.', start);
    }
    for (const attribute of attributes) this.checkAttribute(name, attribute);
    const inTag = attributes
      .filter((attribute) => this.mask.has(attribute.name))
      .flatMap((attribute) => this.mask.tokensIn(attribute.name));
    if (!isBalanced(inTag))
      this.report('liquid_in_markup', `A Liquid block must open and close inside the tag <${name}> or outside of it.`, start);
  }

  private checkAttribute(element: string, attribute: ScannedAttribute): void {
    const name = this.staticName(attribute);
    if (name === undefined) return;
    if (/^on/i.test(name))
      return this.report('event_handler', `The attribute ${name} (a script) is not allowed in a message.`, attribute.nameStart);
    if (name === 'srcdoc')
      return this.report('forbidden_element', 'The attribute srcdoc is not allowed in a message.', attribute.nameStart);
    const tokens = this.mask.tokensIn(attribute.value);
    if (tokens.length > 0 && !attribute.isQuoted)
      return this.report('unquoted_value', `Put the value of ${name} in quotes: it contains Liquid.`, attribute.nameStart);
    if (!isBalanced(tokens))
      return this.report('liquid_in_markup', `A Liquid block must open and close inside the value of ${name}.`, attribute.nameStart);
    const value = this.decoded(attribute.value);
    if (ADDRESS_ATTRIBUTES.has(name)) this.checkAddress(element, name, value, tokens.length > 0, attribute.nameStart);
    if (name === 'style' && /expression\(|javascript:|vbscript:|behavior:|-moz-binding/.test(value)) {
      this.report('script_style', 'The style attribute contains a script.', attribute.nameStart);
    }
  }

  /** Attribute name without conditional tags in front of it; undefined where it is nothing but such tags, or was refused. */
  private staticName(attribute: ScannedAttribute): string | undefined {
    if (!this.mask.has(attribute.name)) return attribute.name.toLowerCase();
    const tokens = this.mask.tokensIn(attribute.name);
    const name = attribute.name.replace(this.mask.pattern, '\u0001');
    const refused = tokens.some((token) => token.trims || !IN_TAG.has(token.name)) || !/^\u0001+[^\u0001]*$/.test(name);
    const rest = name.replaceAll('\u0001', '');
    if (refused || (rest === '' && attribute.hasValue)) {
      this.report(
        'liquid_in_markup',
        'Inside a tag Liquid belongs in a quoted value; only {% if %} and {% case %} may surround whole attributes.',
        attribute.nameStart,
      );
      return undefined;
    }
    return rest === '' ? undefined : rest.toLowerCase();
  }

  private checkAddress(element: string, name: string, value: string, isDynamic: boolean, offset: number): void {
    const isImage = IMAGE_ATTRIBUTES.has(name);
    if (
      /^(?:javascript|vbscript|livescript|mocha):/.test(value) ||
      (value.startsWith('data:') && !(isImage && /^data:image\/(?!svg)/.test(value)))
    ) {
      this.report('script_address', `The address in ${name} is a script or data, not a web address.`, offset);
    } else if (/^(?:file|filesystem|blob|about|view-source|res):/.test(value)) {
      this.report(
        'local_address',
        `The address in ${name} (${value.split(':')[0]}:) is on your own computer: nobody else can open it.`,
        offset,
      );
    } else if (isDynamic && !isImage && !DYNAMIC_ADDRESS_OK.has(`${element}.${name}`)) {
      this.report('liquid_in_markup', `The ${name} of <${element}> must not contain Liquid.`, offset);
    }
  }

  private checkRawText(range: ScannedRange): void {
    const text = this.text(range);
    const tokens = this.mask.tokensIn(text);
    if (tokens.length > 0 && (text.includes('<') || !isBalanced(tokens))) {
      this.report('liquid_in_markup', 'Inside <style> and <title>, Liquid blocks must be complete and "<" is not allowed.', range.start);
    }
    if (/expression\s*\(|javascript:|vbscript:|-moz-binding/i.test(text))
      this.report('script_style', 'The style sheet contains a script.', range.start);
  }

  /** Outlook reads conditional comments as HTML, and Liquid could end a comment early: both are looked into. */
  private checkComment(range: ScannedRange): void {
    const text = this.text(range);
    const tokens = this.mask.tokensIn(text);
    if (!isBalanced(tokens))
      this.report('liquid_in_markup', 'A Liquid block must open and close inside the comment or outside of it.', range.start);
    if (tokens.length === 0 && !/^\s*\[if/i.test(text)) return;
    const nested = new SafetyCheck(text, this.mask, this.base + range.start, true);
    const inner = scanHtml(text);
    if (!this.isNested) nested.run(inner);
    this.findings.push(...nested.findings);
  }

  private checkText(range: ScannedRange): void {
    const text = this.text(range);
    if (!text.includes('<')) return;
    const match = new RegExp(`<[\\s/!]*(?=${this.mask.pattern.source})`).exec(text + this.html.slice(range.end, range.end + 40));
    if (match) this.report('liquid_in_markup', 'Write &lt; instead of "<" before Liquid.', range.start + match.index);
  }

  private decoded(value: string): string {
    // Browsers ignore white space and controls inside a scheme, so they must not hide one.

    return decodeEntities(value)
      .replace(/[\s\u0000-\u001f]+/g, '')
      .toLowerCase();
  }

  private text(range: ScannedRange): string {
    return this.html.slice(range.start, range.end);
  }

  private report(code: string, message: string, offset: number): void {
    this.findings.push({ code, message, offset: offset + this.base });
  }
}
