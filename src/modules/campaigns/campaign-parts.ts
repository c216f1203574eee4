import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { Campaign } from './domain/campaign.js';

export type CampaignDetailPart = (tx: Tx, campaign: Campaign) => Promise<unknown>;

/** What `GET /api/campaigns/:id` shows beside the campaign; steps and analytics stand above campaigns and register theirs in `onModuleInit`. */
@Injectable()
export class CampaignDetailParts {
  private readonly parts = new Map<'steps' | 'analytics', CampaignDetailPart>();

  register(name: 'steps' | 'analytics', part: CampaignDetailPart): void {
    this.parts.set(name, part);
  }

  async collect(tx: Tx, campaign: Campaign): Promise<{ steps: unknown; analytics: unknown }> {
    const steps = await (this.parts.get('steps')?.(tx, campaign) ?? []);
    const analytics = await (this.parts.get('analytics')?.(tx, campaign) ?? null);
    return { steps, analytics };
  }
}

/** Copies what another module keeps for a campaign. Both rows are locked; runs in the transaction that makes the copy. */
export type CampaignCopier = (tx: Tx, source: Campaign, copy: Campaign) => Promise<void>;

/** Lets modules above campaigns copy their part of a clone; they register in `onModuleInit`. */
@Injectable()
export class CampaignCloner {
  private readonly copiers: CampaignCopier[] = [];

  register(copier: CampaignCopier): void {
    this.copiers.push(copier);
  }

  async copyParts(tx: Tx, source: Campaign, copy: Campaign): Promise<void> {
    for (const copier of this.copiers) await copier(tx, source, copy);
  }
}
