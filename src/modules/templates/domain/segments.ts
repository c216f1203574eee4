import { IfTag, toValueSync, UnlessTag, type Context, type Liquid, type Template, type Value } from 'liquidjs';
import { CONTENT_LIMITS } from './compiled-content.js';
import { escapeHtml, plainText } from './escape.js';
import { compileCondition } from './flatten-condition.js';
import { compileOutput, constantOf } from './flatten.js';
import { ENGINES, type RenderContext } from './liquid-engines.js';
import { harmless, PartRun, UrlTemplate, type MessageRun } from './message-run.js';
import { CappedEmitter, tooLarge } from './render-budget.js';
import { RenderError } from './render-error.js';
import { SlotTag } from './slot-tags.js';
import { localNames } from './template-variables.js';

type Slot = (run: PartRun) => string;

/** Constants with slots between them: `constants[i]` stands before slot `i`. */
class Segments {
  readonly constants: string[] = [''];
  readonly slots: Slot[] = [];

  add(segment: string | Slot): void {
    if (typeof segment === 'string') this.constants[this.constants.length - 1] += segment;
    else {
      this.slots.push(segment);
      this.constants.push('');
    }
  }

  /** Joined, not added up: whoever encodes a string of a hundred added pieces first pays for putting them together (measured: a fifth of the encoding). */
  render(run: PartRun): string {
    const { constants, slots } = this;
    if (slots.length === 0) return constants[0];
    const pieces = [constants[0]];
    for (let i = 0; i < slots.length; i++) pieces.push(slots[i](run), constants[i + 1]);
    return pieces.join('');
  }
}

/** One part of the content, flattened: constants, outputs, slots and conditions are evaluated here, everything else (loops, captures) by LiquidJS. */
export class Part {
  private readonly segments: Segments;
  private readonly engine: Liquid;
  private readonly locals: ReadonlySet<string>;
  private readonly escape: (value: unknown) => string;

  constructor(
    name: Exclude<RenderContext, 'url'>,
    source: string,
    private readonly links: (UrlTemplate | undefined)[],
  ) {
    this.engine = ENGINES[name];
    this.escape = name === 'html' ? escapeHtml : plainText;
    const templates = this.engine.parse(source);
    this.locals = localNames(templates);
    this.segments = this.flatten(templates);
  }

  get constants(): readonly string[] {
    return this.segments.constants;
  }

  render(message: MessageRun): string {
    const run = new PartRun(message, this.engine);
    const result = guard(() => this.segments.render(run));
    if (result.length > CONTENT_LIMITS.output) throw tooLarge();
    return result;
  }

  renderSlots(message: MessageRun): string[] {
    const run = new PartRun(message, this.engine);
    const pieces = guard(() => this.segments.slots.map((slot) => slot(run)));
    const length =
      pieces.reduce((sum, piece) => sum + piece.length, 0) + this.constants.reduce((sum, constant) => sum + constant.length, 0);
    if (length > CONTENT_LIMITS.output) throw tooLarge();
    return pieces;
  }

  private flatten(templates: Template[]): Segments {
    const segments = new Segments();
    for (const template of templates) segments.add(constantOf(template) ?? this.compile(template));
    return segments;
  }

  private compile(template: Template): Slot {
    if (template instanceof SlotTag) return this.compileSlot(template);
    if (template instanceof IfTag || template instanceof UnlessTag) return this.compileBranches(template);
    const output = compileOutput(template, this.engine, this.locals);
    if (!output) return (run) => this.renderSlowly(template, run);
    const { value } = output;
    const { escape } = this;
    return output.isEscaped ? (run) => plainText(value(run)) : (run) => escape(value(run));
  }

  private compileSlot(template: SlotTag): Slot {
    const { escape } = this;
    const { slot } = template;
    if (slot.kind === 'pixel') return (run) => escape(run.message.pixel());
    const url = slot.kind === 'link' ? this.links[slot.index] : new UrlTemplate(slot.templates);
    if (slot.kind === 'link' && !url) return (run) => escape(run.message.staticLink(slot.index));
    const fast = url?.fast(this.locals);
    if (!fast) return (run) => escape(template.address(run.message, run.context()));
    if (slot.kind === 'link') return (run) => escape(run.message.dynamicLink(slot.index, fast(run)));
    return (run) => escape(harmless(fast(run)));
  }

  private compileBranches(tag: IfTag | UnlessTag): Slot {
    const branches = (tag.branches as { value: Value; test?: unknown; templates: Template[] }[]).map((branch, index) => ({
      holds: compileCondition(branch.value, this.locals),
      // Only the first branch of `unless` is negated; its `elsif`s are not.
      expected: !(tag instanceof UnlessTag && index === 0),
      body: this.flatten(branch.templates),
    }));
    const otherwise = this.flatten(tag.elseTemplates ?? []);
    return (run) => {
      for (const { holds, expected, body } of branches) if (holds(run) === expected) return body.render(run);
      return otherwise.render(run);
    };
  }

  private renderSlowly(template: Template, run: PartRun): string {
    const ctx = run.context() as Context & { breakCalled: boolean };
    const result = String(toValueSync(this.engine.renderer.renderTemplates([template], ctx, new CappedEmitter(run.budget))));
    // Outside a loop there is nothing to break out of; the rest of the message must not vanish.
    ctx.breakCalled = ctx.continueCalled = false;
    return result;
  }
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asRenderError(error);
  }
}

function asRenderError(error: unknown): RenderError {
  if (error instanceof RenderError) return error;
  const cause = (error as { originalError?: unknown }).originalError;
  if (cause instanceof RenderError) return cause;
  const message = error instanceof Error ? error.message : String(error);
  return new RenderError('render_error', `The content cannot be rendered for this recipient: ${message.slice(0, 300)}`);
}
