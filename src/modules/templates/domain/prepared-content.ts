import { type CompiledContent } from './compiled-content.js';
import { singleLine } from './escape.js';
import { ENGINES } from './liquid-engines.js';
import { MessageRun, UrlTemplate, type MessageData, type MessageUrls } from './message-run.js';
import { Part } from './segments.js';

export { type MessageData, type MessageUrls } from './message-run.js';

export interface RenderedContent {
  subject: string;
  html: string;
  text: string;
}

type PartName = keyof RenderedContent;

/** For batch APIs: `constants[i]` stands before slot `i`; there is one constant more than slots. */
export type ContentShape = Record<PartName, readonly string[]>;
export type RenderedSlots = Record<PartName, string[]>;

/** Compiled content with its Liquid parsed and flattened: hold on to it, it is the expensive part. Safe for concurrent use; renders are synchronous. */
export class PreparedContent {
  private readonly parts: Record<PartName, Part>;
  private readonly links: (UrlTemplate | undefined)[];

  constructor(readonly compiled: CompiledContent) {
    this.links = compiled.links.map((link) => (link.isDynamic ? new UrlTemplate(ENGINES.url.parse(link.url)) : undefined));
    this.parts = {
      subject: new Part('text', compiled.subject, this.links),
      html: new Part('html', compiled.html, this.links),
      text: new Part('text', compiled.text, this.links),
    };
  }

  /**
   * One message: HTML-escaped HTML, plain text, and a subject of one line without control characters. Throws `RenderError`: `missing_data` (a
   * `required` value or the contact is missing), `output_too_large`, or `render_error`.
   */
  render(data: MessageData, urls: MessageUrls): RenderedContent {
    const message = new MessageRun(this.links, data, urls);
    return {
      subject: singleLine(this.parts.subject.render(message)),
      html: this.parts.html.render(message),
      text: this.parts.text.render(message),
    };
  }

  /** The constant pieces of every message, to be sent once to a provider that substitutes. */
  get shape(): ContentShape {
    return { subject: this.parts.subject.constants, html: this.parts.html.constants, text: this.parts.text.constants };
  }

  /** The pieces between the constants of `shape` for one recipient. Interleaved they are what `render` gives, except that the subject's ends are not trimmed. */
  renderSlots(data: MessageData, urls: MessageUrls): RenderedSlots {
    const message = new MessageRun(this.links, data, urls);
    return {
      subject: this.parts.subject.renderSlots(message).map((piece) => singleLine(`|${piece}|`).slice(1, -1)),
      html: this.parts.html.renderSlots(message),
      text: this.parts.text.renderSlots(message),
    };
  }
}
