import { QuoteType, Tokenizer, type TokenizerCallbacks } from 'htmlparser2';

export interface ScannedAttribute {
  name: string;
  nameStart: number;
  /** The value as written (entities not decoded) and where it stands, without its quotes; empty where there is none. */
  value: string;
  start: number;
  end: number;
  isQuoted: boolean;
  hasValue: boolean;
}

export interface ScannedElement {
  name: string;
  start: number;
  /** After its `>`; -1 where the source ends inside the tag. */
  openEnd: number;
  attributes: ScannedAttribute[];
}

export interface ScannedRange {
  start: number;
  end: number;
}

export interface HtmlScan {
  elements: ScannedElement[];
  closings: { name: string; start: number }[];
  comments: ScannedRange[];
  declarations: ScannedRange[];
  /** Contents of `style`, `title`, `textarea` and the like, where `<` is no markup. */
  rawTexts: ScannedRange[];
  texts: ScannedRange[];
  depth: number;
}

const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));
/** Elements whose end tag HTML lets authors omit: they say nothing about depth. */
const OPTIONAL_END = new Set('p li td th tr dt dd option tbody thead tfoot colgroup'.split(' '));
const RAW_TEXT = new Set('script style title textarea xmp iframe noembed noframes plaintext'.split(' '));

/**
 * One linear pass over HTML with exact positions, so that changes can be spliced into the author's own text instead of serialising a tree
 * (which would rewrite conditional comments and every other quirk mail clients rely on).
 */
export function scanHtml(html: string): HtmlScan {
  const sink = new ScanSink(html);
  const tokenizer = new Tokenizer({ decodeEntities: false }, sink);
  tokenizer.write(html);
  tokenizer.end();
  return sink.scan;
}

class ScanSink implements TokenizerCallbacks {
  readonly scan: HtmlScan = { elements: [], closings: [], comments: [], declarations: [], rawTexts: [], texts: [], depth: 0 };
  private element: ScannedElement | undefined;
  private attribute: ScannedAttribute | undefined;
  private isRaw = false;
  private level = 0;

  constructor(private readonly html: string) {}

  onopentagname(start: number, end: number): void {
    this.element = { name: this.html.slice(start, end).toLowerCase(), start: start - 1, openEnd: -1, attributes: [] };
    this.scan.elements.push(this.element);
  }

  onopentagend(end: number): void {
    if (!this.element) return;
    this.element.openEnd = end + 1;
    this.isRaw = RAW_TEXT.has(this.element.name);
    if (!VOID.has(this.element.name) && !OPTIONAL_END.has(this.element.name)) {
      this.level++;
      this.scan.depth = Math.max(this.scan.depth, this.level);
    }
    this.element = undefined;
  }

  onselfclosingtag(end: number): void {
    if (this.element) this.element.openEnd = end + 1;
    this.element = undefined;
  }

  onclosetag(start: number, end: number): void {
    const name = this.html.slice(start, end).trim().toLowerCase();
    this.scan.closings.push({ name, start: start - 2 });
    this.isRaw = false;
    if (!VOID.has(name) && !OPTIONAL_END.has(name) && this.level > 0) this.level--;
  }

  onattribname(start: number, end: number): void {
    this.attribute = { name: this.html.slice(start, end), nameStart: start, value: '', start: end, end, isQuoted: false, hasValue: false };
    this.element?.attributes.push(this.attribute);
  }

  onattribdata(start: number, end: number): void {
    if (!this.attribute) return;
    if (!this.attribute.hasValue) this.attribute.start = start;
    this.attribute.hasValue = true;
    this.attribute.end = end;
    this.attribute.value = this.html.slice(this.attribute.start, end);
  }

  onattribend(quote: QuoteType): void {
    if (this.attribute) {
      this.attribute.isQuoted = quote === QuoteType.Single || quote === QuoteType.Double;
      this.attribute.hasValue = quote !== QuoteType.NoValue;
    }
    this.attribute = undefined;
  }

  ontext(start: number, end: number): void {
    (this.isRaw ? this.scan.rawTexts : this.scan.texts).push({ start, end });
  }

  oncomment(start: number, end: number, endOffset: number): void {
    this.scan.comments.push({ start, end: end - endOffset });
  }

  oncdata(start: number, end: number, endOffset: number): void {
    this.oncomment(start, end, endOffset);
  }

  ondeclaration(start: number, end: number): void {
    this.scan.declarations.push({ start, end });
  }

  onprocessinginstruction(start: number, end: number): void {
    this.scan.declarations.push({ start, end });
  }

  onattribentity(): void {}
  ontextentity(): void {}
  onend(): void {}
}

/** A decoded attribute value: what a browser would see. */
export function attributeValue(element: ScannedElement, name: string): string | undefined {
  const attribute = element.attributes.find((candidate) => candidate.name.toLowerCase() === name);
  return attribute && decodeEntities(attribute.value);
}

const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  colon: ':',
  tab: '\t',
  newline: '\n',
  lpar: '(',
  rpar: ')',
  sol: '/',
  period: '.',
};

/** Decodes numeric entities and the named ones that can matter in an address. */
export function decodeEntities(value: string): string {
  if (!value.includes('&')) return value;
  return value.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,7}));?/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name)
      return NAMED[name.toLowerCase()] !== undefined && (whole.endsWith(';') || name.toLowerCase() === 'amp')
        ? NAMED[name.toLowerCase()]
        : whole;
    const code = decimal ? Number(decimal) : parseInt(hex ?? '', 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD';
  });
}
