import { type Context, type Emitter, type Template } from 'liquidjs';
import { CONTENT_LIMITS } from './compiled-content.js';
import { plainText } from './escape.js';
import { RenderError } from './render-error.js';

/** Names under which a render's own objects travel in the Liquid context. */
export const BUDGET_REGISTER = 'content_budget';
export const MESSAGE_REGISTER = 'content_message';

/**
 * What one part (subject, HTML or text) of one message may cost. LiquidJS limits memory of filters and time, but not output: a loop of literal
 * HTML returned 500 MB within all of its limits. So every node and every written character is charged here, deterministically.
 */
export class RenderBudget {
  private nodes = 25_000;
  private characters: number = CONTENT_LIMITS.output;

  spendNode(): void {
    if (--this.nodes < 0) throw new RenderError('render_error', 'The content does too much work for one message: loops run too often.');
  }

  spendOutput(length: number): void {
    this.characters -= length;
    if (this.characters < 0) throw tooLarge();
  }
}

export function tooLarge(): RenderError {
  return new RenderError('output_too_large', `The message grows beyond ${CONTENT_LIMITS.output / 1000} KB for this recipient.`);
}

function budgetOf(ctx: Context): RenderBudget {
  return ctx.getRegister<RenderBudget>(BUDGET_REGISTER) ?? failUnbudgeted();
}

function failUnbudgeted(): never {
  throw new Error('rendered without a budget');
}

/** Charges every write; also used for `capture`, whose result is not output yet but just as large. */
export class CappedEmitter implements Emitter {
  buffer = '';

  constructor(private readonly budget: RenderBudget) {}

  write(value: unknown): void {
    const text = typeof value === 'string' ? value : plainText(value);
    this.budget.spendOutput(text.length);
    this.buffer += text;
  }
}

/** Takes the place of LiquidJS's renderer: same walk, but every node, every pass of a loop and every character is charged. */
export class CappedRenderer {
  *renderTemplates(templates: Template[], ctx: Context, emitter?: Emitter): Generator<unknown, string> {
    const budget = budgetOf(ctx);
    const out = emitter ?? new CappedEmitter(budget);
    budget.spendNode();
    ctx.renderLimit.check(performance.now());
    for (const template of templates) {
      budget.spendNode();
      const html = yield template.render(ctx, out);
      if (html) out.write(html);
      if ((ctx as unknown as { breakCalled: boolean }).breakCalled || ctx.continueCalled) break;
    }
    return out.buffer;
  }
}
