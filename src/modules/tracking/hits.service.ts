import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock.js';
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
    if (!hit.isHead) await this.record(click, 'clicked', hit, click.linkId, url);
    return url;
  }

  private record(
    { tenantId, emailId }: MessageRef,
    type: 'opened' | 'clicked',
    hit: Hit,
    linkId: string | null = null,
    url: string | null = null,
  ): Promise<void> {
    const at = this.clock.now().getTime();
    const userAgent = hit.userAgent?.slice(0, USER_AGENT_LENGTH) ?? null;
    return this.buffer.record({ tenantId, emailId, type, at, linkId, url, userAgent, machineReason: machineReason(hit) });
  }
}
