import { type Emitter } from 'liquidjs';
import { escapeUrlPart, normaliseUrl, plainText } from './escape.js';
import { type RenderBudget } from './render-budget.js';

/** A merge value on its way into a URL: how it is escaped depends on where in the URL it lands, which only the writer knows. */
export class UrlValue {
  readonly text: string;

  constructor(value: unknown) {
    this.text = plainText(value);
  }

  /** Where a value is captured or concatenated instead of written, it is a component. */
  toString(): string {
    return escapeUrlPart(this.text);
  }
}

/** The next piece of a URL of which `written` already stands. */
export function urlPiece(written: string, value: unknown): string {
  if (!(value instanceof UrlValue)) return plainText(value);
  return written.trim() === '' ? normaliseUrl(value.text) : escapeUrlPart(value.text);
}

/** Collects a URL; merge values that follow anything are percent-encoded, a merge value that begins the URL keeps its structure. */
export class UrlEmitter implements Emitter {
  buffer = '';

  constructor(private readonly budget: RenderBudget) {}

  write(value: unknown): void {
    const piece = urlPiece(this.buffer, value);
    this.budget.spendOutput(piece.length);
    this.buffer += piece;
  }
}
