/**
 * What an author writes, what it becomes once per version, and what can be wrong with it. Everything here is plain JSON: compiled content is
 * stored with the template or step version and read back by any worker.
 */
export type ContentFormat = 'mjml' | 'html';

/** Content as an author saved it. All texts are Liquid; `text` replaces the derived plain-text alternative, `preheader` is the inbox preview. */
export interface ContentSource {
  format: ContentFormat;
  subject: string;
  content: string;
  text?: string | null;
  preheader?: string | null;
}

export interface CompileOptions {
  /** Append a footer with the unsubscribe link and the postal address where the content has no `{{ unsubscribe_url }}` of its own. */
  unsubscribeFooter: boolean;
  trackClicks: boolean;
  trackOpens: boolean;
}

/** One tracked destination. `url` is the address itself, or its Liquid source where `isDynamic`. */
export interface CompiledLink {
  index: number;
  url: string;
  isDynamic: boolean;
}

/**
 * Content ready to be rendered: Liquid only, no MJML, links already replaced by slots. `version` is the layout of this structure: a reader that
 * meets another number must compile again from the source.
 */
export interface CompiledContent {
  version: 1;
  subject: string;
  html: string;
  text: string;
  links: CompiledLink[];
  /** The message carries an unsubscribe link in its body. */
  hasUnsubscribe: boolean;
  /** UTF-8 bytes of subject, HTML and text before merging. */
  size: number;
  /** Paths the content reads, e.g. `contact.first_name`. */
  variables: string[];
}

export type ContentPath = 'subjectLine' | 'emailContent' | 'textContent' | 'preheader';

/** A fault or an advice; only `error` prevents compilation. `line` counts from 1 in the author's own source. */
export interface ContentProblem {
  path: ContentPath;
  message: string;
  code?: string;
  line?: number;
  severity: 'error' | 'warning';
}

export interface CompileResult {
  /** `null` exactly when `problems` holds an error. */
  compiled: CompiledContent | null;
  problems: ContentProblem[];
  /** The addresses its links lead to, tracked or not, without those that depend on the contact. */
  webAddresses?: string[];
}

/** Sizes that bound the work one piece of content can cause (characters unless said otherwise). */
export const CONTENT_LIMITS = {
  /** Longest source of content or text. */
  source: 200_000,
  subject: 1_000,
  preheader: 1_000,
  /** Compiled HTML; also the most a rendered part may grow to. */
  output: 500_000,
  /** Gmail clips messages beyond about this many bytes. */
  clipBytes: 100_000,
  /** Liquid tags and outputs in one text: each costs time whenever the content is prepared. */
  liquidTags: 5_000,
  mjmlElements: 1_500,
  depth: 100,
  links: 500,
} as const;
