import { analyzeSync, Context, toValueSync, type Liquid, type Template } from 'liquidjs';
import { CONTENT_LIMITS, type CompiledContent } from './compiled-content.js';
import { escapeHtml, plainText, singleLine, urlKind } from './escape.js';
import { compileOutput, type FastContext, type FastValue } from './flatten.js';
import { ENGINES, type RenderContext } from './liquid-engines.js';
import { BUDGET_REGISTER, CappedEmitter, MESSAGE_REGISTER, RenderBudget, tooLarge } from './render-budget.js';
import { RenderError } from './render-error.js';
import { SlotTag, type SlotSource } from './slot-tags.js';
import { UrlEmitter, urlPiece, UrlValue } from './url-value.js';

/** Merge data of one recipient: plain snake_case JSON, nothing with a prototype of its own. Other keys (e.g. `event`) become variables too. */
export type MessageData = {
  contact: {
    id: string;
    email: string;
    first_name?: string | null;
    last_name?: string | null;
    timezone?: string | null;
    lead_score?: number;
    tags?: string[];
    attributes?: Record<string, unknown>;
  };
  campaign: { name: string; from_name?: string | null; from_email?: string | null };
  tenant: { name: string; postal_address?: string | null };
} & Record<string, unknown>;

/** Addresses of one message. `link` is asked at most once per static link; for a dynamic link it gets the address as evaluated for this recipient. */
export interface MessageUrls {
  link(index: number, dynamicUrl?: string): string;
  pixel: string;
  unsubscribe: string;
}

export interface RenderedContent {
  subject: string;
  html: string;
  text: string;
}

type PartName = keyof RenderedContent;

/** For batch APIs: `constants[i]` stands before slot `i`; there is one constant more than slots. */
export type ContentShape = Record<PartName, readonly string[]>;
export type RenderedSlots = Record<PartName, string[]>;

type Segment = string | ((run: PartRun) => string);

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

/** What the parts of one message share. */
class MessageRun implements SlotSource {
  readonly env: Record<string, unknown>;
  private readonly staticLinks: (string | undefined)[] = [];

  constructor(
    private readonly links: (UrlTemplate | undefined)[],
    data: MessageData,
    private readonly urls: MessageUrls,
  ) {
    if (typeof data.contact !== 'object' || data.contact === null)
      throw new RenderError('missing_data', 'There is no contact to render for.');
    this.env = Object.assign(Object.create(null) as Record<string, unknown>, data);
    this.env.unsubscribe_url = urls.unsubscribe;
  }

  link(index: number, ctx: Context): string {
    const template = this.links[index];
    return template ? this.dynamicLink(index, template.renderIn(ctx)) : this.staticLink(index);
  }

  staticLink(index: number): string {
    return (this.staticLinks[index] ??= this.urls.link(index));
  }

  dynamicLink(index: number, address: string): string {
    return urlKind(address) === 'web' ? this.urls.link(index, address) : harmless(address);
  }

  safeUrl(templates: Template[], ctx: Context): string {
    return harmless(new UrlTemplate(templates).renderIn(ctx));
  }

  pixel(): string {
    return this.urls.pixel;
  }
}

/** Merge data may have made the address anything, `javascript:` included. */
function harmless(address: string): string {
  return urlKind(address) === 'other' ? '#' : address;
}

/** One part of one message. */
class PartRun implements FastContext {
  readonly env: Record<string, unknown>;
  readonly budget = new RenderBudget();
  private liquid: Context | undefined;

  constructor(
    readonly message: MessageRun,
    private readonly engine: Liquid,
  ) {
    this.env = message.env;
  }

  context(): Context {
    if (!this.liquid) {
      this.liquid = new Context(this.env, this.engine.options, { sync: true }, { liquid: this.engine });
      this.liquid.setRegister(BUDGET_REGISTER, this.budget);
      this.liquid.setRegister(MESSAGE_REGISTER, this.message);
    }
    return this.liquid;
  }
}

const NO_LOCALS: ReadonlySet<string> = new Set();

class UrlTemplate {
  private readonly pieces: (string | FastValue)[] | null;
  private readonly roots: string[];

  constructor(private readonly templates: Template[]) {
    const pieces = templates.map((template) => constantOf(template) ?? urlValue(template));
    this.pieces = pieces.every((piece) => piece !== null) ? pieces : null;
    this.roots = this.pieces ? Object.keys(analyzeSync(templates, { partials: false }).globals) : [];
  }

  /** Evaluates without LiquidJS; null where the address needs it or reads a name the surrounding template defines. */
  fast(locals: ReadonlySet<string>): ((run: FastContext) => string) | null {
    const { pieces } = this;
    if (!pieces || this.roots.some((root) => locals.has(root))) return null;
    return (run) => {
      let address = '';
      for (const piece of pieces) address += typeof piece === 'string' ? piece : urlPiece(address, piece(run));
      return address.trim();
    };
  }

  renderIn(ctx: Context): string {
    const budget = ctx.getRegister<RenderBudget>(BUDGET_REGISTER) ?? new RenderBudget();
    return String(toValueSync(ENGINES.url.renderer.renderTemplates(this.templates, ctx, new UrlEmitter(budget)))).trim();
  }
}

function urlValue(template: Template): FastValue | null {
  const output = compileOutput(template, ENGINES.url, NO_LOCALS);
  if (!output) return null;
  return output.isEscaped ? output.value : (run) => new UrlValue(output.value(run));
}

/** Literal text of the template, or undefined. */
function constantOf(template: Template): string | undefined {
  const { str } = template as { str?: unknown };
  return typeof str === 'string' ? str : undefined;
}

/** One part of the content as constants with slots between them. */
class Part {
  readonly constants: string[] = [''];
  private readonly slots: Exclude<Segment, string>[] = [];
  private readonly engine: Liquid;
  private readonly locals: ReadonlySet<string>;

  constructor(
    private readonly name: Exclude<RenderContext, 'url'>,
    source: string,
    private readonly links: (UrlTemplate | undefined)[],
  ) {
    this.engine = ENGINES[name];
    const templates = this.engine.parse(source);
    this.locals = new Set(Object.keys(analyzeSync(templates, { partials: false }).locals));
    for (const template of templates) {
      const segment = constantOf(template) ?? this.compileSegment(template);
      if (typeof segment === 'string') this.constants[this.constants.length - 1] += segment;
      else {
        this.slots.push(segment);
        this.constants.push('');
      }
    }
  }

  render(message: MessageRun): string {
    const { constants, slots } = this;
    const run = new PartRun(message, this.engine);
    let result = constants[0];
    try {
      for (let i = 0; i < slots.length; i++) result += slots[i](run) + constants[i + 1];
    } catch (error) {
      throw asRenderError(error);
    }
    if (result.length > CONTENT_LIMITS.output) throw tooLarge();
    return result;
  }

  renderSlots(message: MessageRun): string[] {
    const run = new PartRun(message, this.engine);
    let pieces: string[];
    try {
      pieces = this.slots.map((slot) => slot(run));
    } catch (error) {
      throw asRenderError(error);
    }
    const length =
      pieces.reduce((sum, piece) => sum + piece.length, 0) + this.constants.reduce((sum, constant) => sum + constant.length, 0);
    if (length > CONTENT_LIMITS.output) throw tooLarge();
    return pieces;
  }

  private compileSegment(template: Template): Exclude<Segment, string> {
    const escape = this.name === 'html' ? escapeHtml : plainText;
    if (template instanceof SlotTag) return this.compileSlot(template, escape);
    const output = compileOutput(template, this.engine, this.locals);
    if (!output) return (run) => this.renderSlowly(template, run);
    const { value } = output;
    return output.isEscaped ? (run) => plainText(value(run)) : (run) => escape(value(run));
  }

  private compileSlot(template: SlotTag, escape: (value: unknown) => string): Exclude<Segment, string> {
    const { slot } = template;
    if (slot.kind === 'pixel') return (run) => escape(run.message.pixel());
    const url = slot.kind === 'link' ? this.links[slot.index] : new UrlTemplate(slot.templates);
    if (slot.kind === 'link' && !url) return (run) => escape(run.message.staticLink(slot.index));
    const fast = url?.fast(this.locals);
    if (!fast) return (run) => escape(template.address(run.message, run.context()));
    if (slot.kind === 'link') return (run) => escape(run.message.dynamicLink(slot.index, fast(run)));
    return (run) => escape(harmless(fast(run)));
  }

  private renderSlowly(template: Template, run: PartRun): string {
    const ctx = run.context() as Context & { breakCalled: boolean };
    const result = String(toValueSync(this.engine.renderer.renderTemplates([template], ctx, new CappedEmitter(run.budget))));
    // Outside a loop there is nothing to break out of; the rest of the message must not vanish.
    ctx.breakCalled = ctx.continueCalled = false;
    return result;
  }
}

function asRenderError(error: unknown): RenderError {
  if (error instanceof RenderError) return error;
  const cause = (error as { originalError?: unknown }).originalError;
  if (cause instanceof RenderError) return cause;
  const message = error instanceof Error ? error.message : String(error);
  return new RenderError('render_error', `The content cannot be rendered for this recipient: ${message.slice(0, 300)}`);
}
