import { Tag, type Context, type Emitter, type Liquid, type TagToken, type Template, type TopLevelToken } from 'liquidjs';
import { MESSAGE_REGISTER } from './render-budget.js';

export type TagClass = Liquid['tags'][string];

/** What a slot asks of the message it is rendered in. Answers are plain, not yet escaped for their context. */
export interface SlotSource {
  /** The address of tracked link `index`; a dynamic one is evaluated in the given scope (it may use loop variables). */
  link(index: number, ctx: Context): string;
  /** An untracked address: evaluated with URL escaping and checked for its scheme. */
  safeUrl(url: Template[], ctx: Context): string;
  pixel(): string;
}

/** Source text of the slots as the compiler writes them. */
export const SLOTS = {
  link: (index: number) => `{% track_link ${index} %}`,
  pixel: '{% track_pixel %}',
  safeUrl: (url: string) => `{% safe_url %}${url}{% endsafe_url %}`,
};

/** Marks the compiled tags for the flattening renderer, which answers them without going through LiquidJS. */
export abstract class SlotTag extends Tag {
  abstract address(source: SlotSource, ctx: Context): string;
  abstract readonly slot: { kind: 'link'; index: number } | { kind: 'pixel' } | { kind: 'safeUrl'; templates: Template[] };
  protected abstract readonly escape: (value: unknown) => string;

  override *render(ctx: Context, emitter: Emitter): Generator<unknown, void> {
    const source = ctx.getRegister<SlotSource>(MESSAGE_REGISTER);
    if (!source) throw new Error('slot rendered outside a message');
    emitter.write(this.escape(this.address(source, ctx)));
  }
}

/** The slot tags for an engine whose output is escaped by `escape`; addresses themselves are Liquid of the `url` engine. */
export function slotTags(url: Liquid, escape: (value: unknown) => string): Record<string, TagClass> {
  class TrackLinkTag extends SlotTag {
    readonly slot: { kind: 'link'; index: number };
    protected readonly escape = escape;

    constructor(token: TagToken, remainTokens: TopLevelToken[], liquid: Liquid) {
      super(token, remainTokens, liquid);
      this.slot = { kind: 'link', index: Number(token.args.trim()) };
    }

    address(source: SlotSource, ctx: Context): string {
      return source.link(this.slot.index, ctx);
    }
  }

  class TrackPixelTag extends SlotTag {
    readonly slot = { kind: 'pixel' } as const;
    protected readonly escape = escape;

    address(source: SlotSource): string {
      return source.pixel();
    }
  }

  class SafeUrlTag extends SlotTag {
    readonly slot: { kind: 'safeUrl'; templates: Template[] };
    protected readonly escape = escape;

    constructor(token: TagToken, remainTokens: TopLevelToken[], liquid: Liquid) {
      super(token, remainTokens, liquid);
      const templates: Template[] = [];
      for (let next = remainTokens.shift(); (next as TagToken | undefined)?.name !== 'endsafe_url'; next = remainTokens.shift()) {
        if (!next) throw new Error('tag safe_url not closed');
        templates.push(url.parser.parseToken(next, remainTokens));
      }
      this.slot = { kind: 'safeUrl', templates };
    }

    address(source: SlotSource, ctx: Context): string {
      return source.safeUrl(this.slot.templates, ctx);
    }

    *children(): Generator<unknown, Template[]> {
      return this.slot.templates;
    }
  }

  return { track_link: TrackLinkTag as TagClass, track_pixel: TrackPixelTag as TagClass, safe_url: SafeUrlTag as TagClass };
}
