import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { CampaignChangedError } from './campaigns.errors.js';
import { CampaignsQueries } from './campaigns.queries.js';
import type { Campaign } from './domain/campaign.js';
import type { LaunchFinding } from './domain/launch-rules.js';
import type { LaunchCheck } from './launch-checks.js';

/** What the way out and the sender's address have to say about a launch. */
@Injectable()
export class SenderLaunchCheck implements LaunchCheck {
  readonly name = 'sender';

  constructor(private readonly queries: CampaignsQueries) {}

  async check(tx: Tx, campaign: Campaign): Promise<LaunchFinding[]> {
    if (await this.accountIsThere(tx, campaign)) return [];
    const message = 'The provider account of the campaign has been deleted: choose another, or null for the default one.';
    return [{ severity: 'error', code: 'provider_account_not_found', path: 'providerAccountId', message }];
  }

  /** An account that is deleted between the check and the launch would leave all mail waiting. */
  async freeze(tx: Tx, campaign: Campaign): Promise<void> {
    if (!(await this.accountIsThere(tx, campaign))) throw new CampaignChangedError(campaign.status);
  }

  private async accountIsThere(tx: Tx, { tenantId, providerAccountId }: Campaign): Promise<boolean> {
    return providerAccountId === null || (await this.queries.providerAccountExists(tx, tenantId, providerAccountId));
  }
}
