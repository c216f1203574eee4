import { Parser } from 'htmlparser2';

export interface MailLinks {
  /** Every web address a recipient could click, once each, in order. */
  links: string[];
  /** The open pixel, where there is one. */
  pixelUrl: string | null;
}

/** What a recipient could click in this HTML and what their mail program would load to report an opening. */
export function findLinks(html: string): MailLinks {
  const links = new Set<string>();
  let pixelUrl: string | null = null;
  const parser = new Parser({
    onopentag(name, attributes) {
      if ((name === 'a' || name === 'area') && isWebAddress(attributes.href)) links.add(attributes.href);
      if (name === 'img' && isWebAddress(attributes.src) && /\/t\/o\//.test(attributes.src)) pixelUrl = attributes.src;
    },
  });
  parser.end(html);
  return { links: [...links], pixelUrl };
}

function isWebAddress(value: string | undefined): value is string {
  return value !== undefined && /^https?:\/\//i.test(value);
}

/** The https address of a List-Unsubscribe header (RFC 8058), where there is one. */
export function oneClickUrl(header: string): string | null {
  return /<(https?:\/\/[^>]+)>/i.exec(header)?.[1] ?? null;
}
