import { Injectable } from '@nestjs/common';
import { Database, row, sqlState } from '../../database/index.js';
import { SegmentsService } from '../segments/index.js';
import type { Campaign } from './domain/campaign.js';

const QUERY_CANCELED = '57014';
/** A warning is not worth more of a launch's time than this. */
const PATIENCE_MS = 5_000;

/** Whom a campaign would reach. */
@Injectable()
export class CampaignAudience {
  constructor(
    private readonly db: Database,
    private readonly segments: SegmentsService,
  ) {}

  /** Whether the segment holds at least one contact who may be written to. True if that cannot be found out quickly. */
  async hasAnybody({ tenantId, segmentId }: Campaign, now: Date): Promise<boolean> {
    if (segmentId === null) return false;
    try {
      return await this.db.inTenant(
        tenantId,
        async (tx) => {
          const options = { contactAlias: 'c', tenantParam: '$1', firstParam: 2, now };
          const predicate = await this.segments.compileSegment(tx, tenantId, segmentId, options);
          const found = await row<{ any: boolean }>(
            tx,
            `SELECT EXISTS (SELECT FROM contacts c WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND c.subscribed AND ${predicate.sql}) AS any`,
            [tenantId, ...predicate.params],
          );
          return found!.any;
        },
        { statementTimeoutMs: PATIENCE_MS },
      );
    } catch (error) {
      if (sqlState(error) === QUERY_CANCELED) return true;
      throw error;
    }
  }
}
