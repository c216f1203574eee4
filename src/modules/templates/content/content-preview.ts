import { type ContentSource } from '../domain/compiled-content.js';
import { type MessageData } from '../domain/prepared-content.js';
import { type ContentCompiler } from './content-compiler.js';
import { type PreviewResult } from './content-jobs.js';

export interface PreviewInput {
  source: ContentSource;
  data: MessageData;
  /** Where the unsubscribe link of the preview leads; a preview must not be able to unsubscribe anybody. */
  unsubscribeUrl?: string;
  /** Show the footer that sending would append (default true). */
  unsubscribeFooter?: boolean;
}

/**
 * Shows what a contact would receive, from content that may not even be saved yet: compiled and rendered in the content worker, within its
 * limits of time and memory. Links keep their own addresses and there is no pixel, so looking at a preview counts nothing.
 */
export function previewContent(compiler: ContentCompiler, input: PreviewInput): Promise<PreviewResult> {
  const options = { unsubscribeFooter: input.unsubscribeFooter ?? true, trackClicks: false, trackOpens: false };
  return compiler.preview(input.source, options, input.data, input.unsubscribeUrl ?? '#unsubscribe');
}
