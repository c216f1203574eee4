import { Tokenizer, TypeGuards } from 'liquidjs';

/** One piece of Liquid in a source. */
export interface LiquidToken {
  text: string;
  /** Tag name, or '' for an output. */
  name: string;
  /** `{%-`, `-%}` and the like: it eats the white space around it. */
  trims: boolean;
  offset: number;
}

const BLOCK_ENDS: Record<string, string> = {
  endif: 'if',
  endunless: 'unless',
  endcase: 'case',
  endfor: 'for',
  endcomment: 'comment',
  endcapture: 'capture',
};
const BLOCKS = new Set(Object.values(BLOCK_ENDS));

/**
 * HTML and MJML tools do not know Liquid: they stumble over `<` and quotes inside it, wrap it, and drop it without a word. So every `{{ }}`
 * and `{% %}` becomes a harmless word first, all work on markup happens on the masked source, and the words are put back at the end.
 */
export class LiquidMask {
  readonly masked: string;
  readonly tokens: LiquidToken[] = [];
  /** Matches one placeholder; group 1 is its index. */
  readonly pattern: RegExp;
  private readonly prefix: string;

  constructor(readonly source: string) {
    let prefix = 'zqx';
    while (source.toLowerCase().includes(prefix)) prefix += 'x';
    this.prefix = prefix;
    this.pattern = new RegExp(`${prefix}(\\d+)qz`, 'g');
    this.masked = this.mask(source);
  }

  /** Throws LiquidJS's own tokenization error on an unclosed tag. */
  private mask(source: string): string {
    let masked = '';
    for (const token of new Tokenizer(source).readTopLevelTokens()) {
      const text = source.slice(token.begin, token.end);
      if (TypeGuards.isHTMLToken(token)) masked += text;
      else masked += this.add(text, TypeGuards.isTagToken(token) ? token.name : '', token.begin);
    }
    return masked;
  }

  /** A new placeholder that will be replaced by `text`. */
  add(text: string, name = '', offset = -1): string {
    this.tokens.push({ text, name, trims: /^\{[{%]-|-[}%]\}$/.test(text), offset });
    return `${this.prefix}${this.tokens.length - 1}qz`;
  }

  unmask(text: string): string {
    return text.replace(this.pattern, (_word, index: string) => this.tokens[Number(index)].text);
  }

  has(text: string): boolean {
    return text.includes(this.prefix);
  }

  /** Tokens whose placeholders occur in `text`, in order. */
  tokensIn(text: string): LiquidToken[] {
    return this.has(text) ? [...text.matchAll(this.pattern)].map((match) => this.tokens[Number(match[1])]) : [];
  }

  /** Line (from 1) in the author's source of an offset in the masked source. */
  lineAt(maskedOffset: number): number {
    return this.unmask(this.masked.slice(0, maskedOffset)).split('\n').length;
  }

  lineOf(token: LiquidToken): number | undefined {
    return token.offset < 0 ? undefined : this.source.slice(0, token.offset).split('\n').length;
  }
}

/** Every block opened in this stretch is closed in it and the other way round: rendering can then not tear its markup apart. */
export function isBalanced(tokens: LiquidToken[]): boolean {
  const open: string[] = [];
  for (const { name } of tokens) {
    if (BLOCKS.has(name)) open.push(name);
    else if (name in BLOCK_ENDS && open.pop() !== BLOCK_ENDS[name]) return false;
    else if (name === 'break' || name === 'continue') return false;
  }
  return open.length === 0;
}

/** How deep blocks are nested, counting only opening and closing tags. */
export function blockDepth(tokens: LiquidToken[]): number {
  let depth = 0;
  let deepest = 0;
  for (const { name } of tokens) {
    if (BLOCKS.has(name)) deepest = Math.max(deepest, ++depth);
    else if (name in BLOCK_ENDS && depth > 0) depth--;
  }
  return deepest;
}

/** How many blocks are still open after these tokens. */
export function openBlocks(tokens: LiquidToken[]): number {
  return tokens.reduce((depth, { name }) => (BLOCKS.has(name) ? depth + 1 : name in BLOCK_ENDS && depth > 0 ? depth - 1 : depth), 0);
}
