import { Context, toValueSync, type Liquid, type Template } from 'liquidjs';
import { urlKind } from './escape.js';
import { compileOutput, constantOf, type FastContext, type FastValue } from './flatten.js';
import { ENGINES } from './liquid-engines.js';
import { BUDGET_REGISTER, MESSAGE_REGISTER, RenderBudget } from './render-budget.js';
import { RenderError } from './render-error.js';
import { type SlotSource } from './slot-tags.js';
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

/** What the parts of one message share. */
export class MessageRun implements SlotSource {
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
export function harmless(address: string): string {
  return urlKind(address) === 'other' ? '#' : address;
}

/** One part of one message. */
export class PartRun implements FastContext {
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

export class UrlTemplate {
  constructor(private readonly templates: Template[]) {}

  /** Evaluates without LiquidJS; null where the address needs it, e.g. because it reads a name the surrounding template defines. */
  fast(locals: ReadonlySet<string>): ((run: FastContext) => string) | null {
    const pieces: (string | FastValue)[] = [];
    for (const template of this.templates) {
      const piece = constantOf(template) ?? urlValue(template, locals);
      if (piece === null) return null;
      pieces.push(piece);
    }
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

function urlValue(template: Template, locals: ReadonlySet<string>): FastValue | null {
  const output = compileOutput(template, ENGINES.url, locals);
  if (!output) return null;
  return output.isEscaped ? output.value : (run) => new UrlValue(output.value(run));
}
