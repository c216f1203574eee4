import { Injectable } from '@nestjs/common';
import { Database, rows, sqlState } from '../../database/index.js';
import { InvalidRequestError } from '../../http/index.js';
import { Clock } from '../../shared/clock.js';
import { CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { UnsupportedTimeZone } from './analytics.errors.js';
import { BucketsQueries, type Cohort } from './buckets.queries.js';
import { percent, ratesOf } from './domain/counts.js';
import { wholeWeek } from './domain/heat-map.js';
import { resolveRange, type RangeRequest } from './domain/report-range.js';
import type { CampaignComparisonDto, HoursReportDto } from './dto/insights.dto.js';

export interface HoursRequest extends Partial<RangeRequest> {
  cohort?: Cohort;
}

const INVALID_PARAMETER = '22023';

/** The rollups seen from other sides: by the hour of the week, and several campaigns side by side. */
@Injectable()
export class InsightsService {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly campaigns: CampaignsService,
    private readonly buckets: BucketsQueries,
  ) {}

  async hours({ tenantId }: TenantContext, campaignId: string, asked: HoursRequest): Promise<HoursReportDto> {
    return this.db.inTenant(tenantId, async (tx) => {
      await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const campaign = await this.campaigns.get(tx, tenantId, campaignId);
      const cohort = asked.cohort ?? 'send';
      const { startDate, endDate, timezone, from, to } = resolveRange(
        { ...asked, timezone: asked.timezone ?? campaign.timezone },
        campaign,
        this.clock.now(),
      );
      const cells = await this.buckets.byHourOfWeek(tx, tenantId, { campaignId, cohort, timezone, from, to }).catch((error: unknown) => {
        throw sqlState(error) === INVALID_PARAMETER ? new UnsupportedTimeZone(timezone) : error;
      });
      const hours = wholeWeek(cells).map((cell) => ({
        ...cell,
        openRate: percent(cell.uniqueOpens, cell.emailsDelivered),
        clickRate: percent(cell.uniqueClicks, cell.emailsDelivered),
      }));
      return { range: { startDate, endDate, timezone, cohort }, hours };
    });
  }

  /** In the order asked for. Another tenant's campaign, or none, is a fault of its place in the list. */
  async compare({ tenantId }: TenantContext, asked: string[]): Promise<CampaignComparisonDto> {
    const ids = asked.map((id) => id.toLowerCase());
    if (new Set(ids).size < ids.length) throw fault('names a campaign twice', 'arrayUnique');
    return this.db.inTenant(tenantId, async (tx) => {
      await rows(tx, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const campaigns = [];
      for (const id of ids) {
        const { name, status, campaignType, launchedAt } = await this.campaigns.get(tx, tenantId, id);
        const totals = await this.buckets.total(tx, tenantId, id);
        campaigns.push({ campaignId: id, name, status, campaignType, launchedAt, totals: { ...totals, ...ratesOf(totals) } });
      }
      return { campaigns };
    });
  }
}

function fault(message: string, code: string): InvalidRequestError {
  return new InvalidRequestError([{ path: 'query.campaignIds', message, code }]);
}
