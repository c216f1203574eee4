import { convert, type FormatCallback } from 'html-to-text';
import { CONTENT_LIMITS } from './compiled-content.js';
import { type LiquidMask } from './liquid-mask.js';

/** Text of the element as one string, to recognise links that show their own address. */
function textOf(nodes: { type: string; data?: string; children?: unknown[] }[]): string {
  return nodes.map((node) => (node.type === 'text' ? (node.data ?? '') : textOf((node.children ?? []) as typeof nodes))).join('');
}

function anchorFormatter(addresses: ReadonlyMap<string, string>): FormatCallback {
  return (element, walk, builder) => {
    const attribs = element.attribs as Record<string, string> | undefined;
    const href = (attribs?.href ?? '').trim();
    const address = addresses.get(href) ?? href;
    const text = textOf(element.children as Parameters<typeof textOf>[0]).trim();
    if (text !== '' && href !== '' && (text === address || `mailto:${text}` === address || `tel:${text}` === address)) {
      builder.addInline(href.replace(/^(?:mailto|tel):/, ''), { noWordTransform: true });
      return;
    }
    walk(element.children, builder);
    if (href !== '' && !href.startsWith('#')) builder.addInline(text === '' ? href : ` (${href})`, { noWordTransform: true });
  };
}

const imageText: FormatCallback = (element, _walk, builder) => {
  const alt = (element.attribs as Record<string, string> | undefined)?.alt?.trim();
  if (alt) builder.addInline(alt);
};

/**
 * The plain-text alternative of masked HTML: derived once per version, with the Liquid still in it as words. Nothing is wrapped (mail clients
 * wrap) and nothing upper-cased, so every placeholder survives. Links stand behind their text; hidden parts are left out.
 */
export function plainTextOf(html: string, mask: LiquidMask, addresses: ReadonlyMap<string, string>): string {
  const text = convert(html, {
    wordwrap: false,
    limits: { maxInputLength: CONTENT_LIMITS.output + 10_000, maxDepth: 200 },
    formatters: { link: anchorFormatter(addresses), imageText },
    selectors: [
      { selector: 'a', format: 'link' },
      { selector: 'img', format: 'imageText' },
      { selector: 'head', format: 'skip' },
      { selector: '[style*="display:none"]', format: 'skip' },
      { selector: '[style*="display: none"]', format: 'skip' },
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
      { selector: 'table', options: { uppercaseHeaderCells: false } },
      { selector: 'ul', options: { itemPrefix: ' - ' } },
    ],
  });
  const lines = withoutTagLines(text, mask).split('\n');
  return `${lines
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}

/** A line that holds nothing but control tags must not leave an empty line behind when it is rendered. */
function withoutTagLines(text: string, mask: LiquidMask): string {
  return text
    .split('\n\n')
    .map((block) => block.split('\n'))
    .reduce<string>((result, lines, index) => {
      const block = lines.reduce(
        (joined, line, at) => joined + line + (at < lines.length - 1 && !isControlLine(line, mask) ? '\n' : ''),
        '',
      );
      const previous = result.slice(result.lastIndexOf('\n') + 1);
      return index === 0 ? block : result + (isControlLine(previous, mask) ? '' : '\n\n') + block;
    }, '');
}

function isControlLine(line: string, mask: LiquidMask): boolean {
  const tokens = mask.tokensIn(line);
  return (
    tokens.length > 0 && tokens.every((token) => token.name !== '' && token.name !== 'slot') && line.replace(mask.pattern, '').trim() === ''
  );
}
