import { Injectable } from '@nestjs/common';
import { Database, rows } from '../../database/index.js';
import { decodeCursor, invalidCursor, keysetPage } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import { CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { percent } from './domain/counts.js';
import type { LinkReportPage } from './dto/insights.dto.js';
import { LinksQueries, type AfterLink } from './links.queries.js';

export interface LinksRequest {
  limit: number;
  cursor?: string;
  stepId?: string;
}

/** Which links of a campaign's mail people followed. */
@Injectable()
export class LinksService {
  constructor(
    private readonly db: Database,
    private readonly campaigns: CampaignsService,
    private readonly links: LinksQueries,
    private readonly clock: Clock,
  ) {}

  async page({ tenantId }: TenantContext, campaignId: string, { limit, cursor, stepId }: LinksRequest): Promise<LinkReportPage> {
    const after = cursor === undefined ? null : readCursor(cursor);
    return this.db.inTenant(tenantId, async (tx) => {
      await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      await this.campaigns.get(tx, tenantId, campaignId);
      const countedAt = await this.links.countedAt(tx, tenantId, campaignId);
      const source = countedAt ? 'counted' : 'clicks';
      const found = await this.links.page(tx, tenantId, campaignId, source, { after, limit: limit + 1, stepId: stepId ?? null });
      const page = keysetPage(found, limit, ({ people, humanClicks, key }) => ({ p: people, c: humanClicks, k: key }));
      const data = page.data.map(({ key: _, allHumanClicks, ...link }) => ({ ...link, share: percent(link.humanClicks, allHumanClicks) }));
      return { data, nextCursor: page.nextCursor, asOf: (countedAt ?? this.clock.now()).toISOString() };
    });
  }
}

function readCursor(cursor: string): AfterLink {
  const { p, c, k } = decodeCursor(cursor);
  if (!isCount(p) || !isCount(c) || typeof k !== 'string') throw invalidCursor();
  return { people: p, clicks: c, key: k };
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
