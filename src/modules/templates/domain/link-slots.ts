import { CONTENT_LIMITS, type CompiledLink, type ContentProblem } from './compiled-content.js';
import { urlKind } from './escape.js';
import { decodeEntities, type HtmlScan } from './html-scan.js';
import { type LiquidMask } from './liquid-mask.js';
import { SLOTS } from './slot-tags.js';

export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** Applies edits that do not overlap. */
export function applyEdits(html: string, edits: Edit[]): string {
  let result = '';
  let position = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += html.slice(position, edit.start) + edit.text;
    position = edit.end;
  }
  return result + html.slice(position);
}

/** Collects the tracked links of one message and turns addresses into slots; the same address shares one slot. */
export class LinkSlots {
  readonly links: CompiledLink[] = [];
  readonly problems: ContentProblem[] = [];
  /** Placeholder of a slot → the address it stands for (masked), for the plain text. */
  readonly addresses = new Map<string, string>();
  /** What the links lead to, tracked or not, as far as it does not depend on the contact. */
  readonly webAddresses = new Set<string>();
  private readonly indexes = new Map<string, number>();

  constructor(
    private readonly mask: LiquidMask,
    private readonly trackClicks: boolean,
  ) {}

  /** The edits that put slots into the `href`s of a scan of the masked HTML. */
  editsFor(scan: HtmlScan): Edit[] {
    const edits: Edit[] = [];
    for (const element of scan.elements) {
      if (element.name !== 'a' && element.name !== 'area') continue;
      const href = element.attributes.find((attribute) => attribute.name.toLowerCase() === 'href' && attribute.hasValue);
      const slot = href && this.slotFor(decodeEntities(href.value).trim());
      if (href && slot) edits.push({ start: href.start, end: href.end, text: href.isQuoted ? slot : `"${slot}"` });
    }
    return edits;
  }

  /** Replaces the web addresses in plain text by slots. */
  inText(masked: string): string {
    return masked.replace(/https?:\/\/[^\s<>()[\]"']+/gi, (found) => {
      const url = found.replace(/[.,;:!?]+$/, '');
      return (this.slotFor(url) ?? url) + found.slice(url.length);
    });
  }

  /** A placeholder for the slot of this (masked, decoded) address, or undefined where the address stays as it is. */
  private slotFor(masked: string): string | undefined {
    if (masked === '' || masked.startsWith('#')) return undefined;
    const url = this.mask.unmask(masked);
    if (!this.mask.has(masked)) {
      if (urlKind(masked) !== 'web') {
        if (urlKind(masked) === 'other')
          this.warn('not_a_web_address', `The link "${masked.slice(0, 100)}" is not a complete web address.`);
        return undefined;
      }
      if (!URL.canParse(masked)) {
        this.warn('not_a_web_address', `The link "${masked.slice(0, 100)}" is not a valid web address.`);
        return undefined;
      }
      this.webAddresses.add(masked);
      return this.trackClicks ? this.remember(this.mask.add(SLOTS.link(this.indexOf(url, false))), masked) : undefined;
    }
    if (/\bunsubscribe_url\b/.test(url)) return undefined;
    return this.remember(this.mask.add(this.trackClicks ? SLOTS.link(this.indexOf(url, true)) : SLOTS.safeUrl(url)), masked);
  }

  private remember(placeholder: string, address: string): string {
    this.addresses.set(placeholder, address);
    return placeholder;
  }

  private indexOf(url: string, isDynamic: boolean): number {
    const known = this.indexes.get(url);
    if (known !== undefined) return known;
    const index = this.links.length;
    this.links.push({ index, url, isDynamic });
    this.indexes.set(url, index);
    if (index === CONTENT_LIMITS.links) {
      this.problems.push({
        path: 'emailContent',
        code: 'too_many_links',
        message: `A message can have at most ${CONTENT_LIMITS.links} different links.`,
        severity: 'error',
      });
    }
    return index;
  }

  private warn(code: string, message: string): void {
    this.problems.push({ path: 'emailContent', code, message, severity: 'warning' });
  }
}
