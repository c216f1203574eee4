import type { CompiledContent } from './compiled-content.js';

/** Does a message show the tenant's postal address: merged in by the footer or the author, or written out (spelling, case and breaks aside)? */
export function carriesAddress({ html, text }: Pick<CompiledContent, 'html' | 'text'>, postalAddress: string): boolean {
  const shown = html.replace(/<!--[\s\S]*?-->/g, '');
  return shown.includes('tenant.postal_address') || lettersOf(text).includes(lettersOf(postalAddress));
}

function lettersOf(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
}
