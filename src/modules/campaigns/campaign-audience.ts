import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { Campaign } from './domain/campaign.js';

/** Whom a campaign would reach. */
@Injectable()
export class CampaignAudience {
  async hasAnybody(_tx: Tx, campaign: Campaign, _now: Date): Promise<boolean> {
    return campaign.segmentId !== null;
  }
}
