import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
import { Ids } from '../../shared/ids.js';
import { machineReason, type HitHeaders } from './domain/machine.js';
import type { MessageRef } from './domain/tokens.js';
import { HitBuffer } from './hit-buffer.js';
import { LinkDirectory } from './link-directory.js';
import { TrackingTokens } from './tracking-tokens.js';

/** What a public request says about itself. */
export interface Hit extends HitHeaders {
  /** HEAD asks whether something is there, it opens nothing: such a hit is answered and not counted. */
  isHead: boolean;
}

export const USER_AGENT_LENGTH = 500;

/** Opens and clicks: reads the token, appends the fact, and answers only when the fact is committed. */
@Injectable()
export class HitsService {
  constructor(
    private readonly tokens: TrackingTokens,
    private readonly links: LinkDirectory,
    private readonly buffer: HitBuffer,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Whether the token is genuine; if so, the open is recorded. */
  async open(token: string, hit: Hit): Promise<boolean> {
    const message = this.tokens.readPixel(token);
    if (!message) return false;
    if (!hit.isHead) await this.record(message, 'opened', hit);
    return true;
  }

  /** Where the click leads, recorded; or null for anything we never put into a message. */
  async click(path: string, hit: Hit): Promise<string | null> {
    const click = this.tokens.readClick(path);
    const url = click && (await this.links.resolve(click));
    if (!url) return null;
    if (!hit.isHead) await this.record(click, 'clicked', hit, { linkId: click.linkId ?? null, url });
    return url;
  }

  private async record(
    message: MessageRef,
    type: 'opened' | 'clicked',
    hit: Hit,
    link?: { linkId: string | null; url: string },
  ): Promise<void> {
    const reason = machineReason(hit);
    await this.buffer.record({
      tenantId: message.tenantId,
      emailId: message.emailId,
      type,
      source: type === 'opened' ? 'pixel' : 'link',
      occurredAt: this.clock.now(),
      // Every hit counts; the key is there so that running the insert again does not count it twice.
      dedupeKey: `hit:${this.ids.uuid()}`,
      isMachine: reason !== null,
      machineReason: reason,
      userAgent: hit.userAgent?.slice(0, USER_AGENT_LENGTH),
      ...link,
    });
  }
}
