import { Injectable } from '@nestjs/common';
import { OutboundFailed, OutboundHttp, OutboundRefused } from '../../shared/outbound/index.js';
import { LinkCheckRunningError } from './campaigns.errors.js';
import type { LaunchFinding } from './domain/launch-rules.js';
import { linkFinding, type CampaignLink, type LinkAnswer } from './domain/link-verdict.js';

export const LINK_CHECK = { links: 50, concurrency: 5, perRequestMs: 5_000, totalMs: 20_000, redirects: 5 } as const;

/**
 * Calls the addresses in a campaign's content, through the guard against calls into our own network, redirects included. At most 50 addresses,
 * five at a time, twenty seconds in all; one check of a tenant at a time in a process (`LinkCheckRunningError`), so that nobody makes us hammer
 * somebody else's server. Bodies are not read.
 */
@Injectable()
export class LinkChecker {
  private readonly running = new Set<string>();

  constructor(private readonly http: OutboundHttp) {}

  async check(tenantId: string, links: readonly CampaignLink[]): Promise<LaunchFinding[]> {
    if (this.running.has(tenantId)) throw new LinkCheckRunningError();
    this.running.add(tenantId);
    try {
      return await this.checkAll(links);
    } finally {
      this.running.delete(tenantId);
    }
  }

  private async checkAll(links: readonly CampaignLink[]): Promise<LaunchFinding[]> {
    const deadline = performance.now() + LINK_CHECK.totalMs;
    const distinct = [...new Set(links.map(({ url }) => url))];
    const answers = new Map<string, LinkAnswer>(distinct.map((url) => [url, { skipped: true }]));
    const waiting = distinct.slice(0, LINK_CHECK.links);
    const work = async (): Promise<void> => {
      for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) answers.set(url, await this.answerOf(url, deadline));
    };
    await Promise.all(Array.from({ length: LINK_CHECK.concurrency }, work));
    const skipped = distinct.filter((url) => 'skipped' in answers.get(url)!).length;
    return [...links.flatMap((link) => linkFinding(link, answers.get(link.url)!) ?? []), ...(skipped > 0 ? [notChecked(skipped)] : [])];
  }

  private async answerOf(address: string, deadline: number): Promise<LinkAnswer> {
    let url = address;
    for (let hop = 0; hop <= LINK_CHECK.redirects; hop++) {
      const answer = await this.call(url, deadline);
      if (!('location' in answer)) return answer;
      if (!URL.canParse(answer.location, url)) return { status: 404 };
      url = new URL(answer.location, url).href;
    }
    return { loop: true };
  }

  /** HEAD, and GET where that brings no success: many servers answer HEAD wrongly. */
  private async call(url: string, deadline: number): Promise<LinkAnswer | { location: string }> {
    let answer: LinkAnswer | { location: string } = { skipped: true };
    for (const method of ['HEAD', 'GET'] as const) {
      const timeoutMs = Math.min(LINK_CHECK.perRequestMs, Math.floor(deadline - performance.now()));
      if (timeoutMs < 1) return answer;
      answer = await this.request(method, url, timeoutMs);
      if ('location' in answer || ('status' in answer ? answer.status < 400 : !('failed' in answer) || answer.failed !== 'protocol')) break;
    }
    return answer;
  }

  private async request(method: 'HEAD' | 'GET', url: string, timeoutMs: number): Promise<LinkAnswer | { location: string }> {
    try {
      const { status, headers } = await this.http.request(url, { method, allowHttp: true, timeoutMs, maxBytes: 1 });
      const location = headers.location;
      return status >= 300 && status < 400 && typeof location === 'string' ? { location } : { status };
    } catch (error) {
      if (error instanceof OutboundRefused) return { refused: error.reason };
      if (error instanceof OutboundFailed) return { failed: error.reason };
      throw error;
    }
  }
}

function notChecked(count: number): LaunchFinding {
  const message = `${count} further ${count === 1 ? 'link was' : 'links were'} not checked: at most ${LINK_CHECK.links} are, within ${LINK_CHECK.totalMs / 1000} seconds.`;
  return { severity: 'warning', code: 'links_not_checked', message };
}
