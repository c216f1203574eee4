import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import type { Tx } from '../../database/index.js';
import { SenderDomainsService } from '../mail/index.js';
import { CampaignChangedError } from './campaigns.errors.js';
import { CampaignsQueries } from './campaigns.queries.js';
import type { Campaign } from './domain/campaign.js';
import type { LaunchFinding } from './domain/launch-rules.js';
import type { LaunchCheck } from './launch-checks.js';

/** What the way out and the sender's address have to say about a launch. Of the address nothing but warnings: it is DNS that decides, not we. */
@Injectable()
export class SenderLaunchCheck implements LaunchCheck {
  readonly name = 'sender';

  constructor(
    private readonly queries: CampaignsQueries,
    private readonly domains: SenderDomainsService,
    private readonly config: AppConfig,
  ) {}

  async check(tx: Tx, campaign: Campaign): Promise<LaunchFinding[]> {
    return [
      ...(await this.accountFindings(tx, campaign)),
      ...(await this.addressFindings(tx, campaign)),
      ...this.oneClickFindings(campaign),
    ];
  }

  /** An account that is deleted between the check and the launch would leave all mail waiting. */
  async freeze(tx: Tx, campaign: Campaign): Promise<void> {
    if (!(await this.accountIsThere(tx, campaign))) throw new CampaignChangedError(campaign.status);
  }

  private async accountFindings(tx: Tx, campaign: Campaign): Promise<LaunchFinding[]> {
    if (await this.accountIsThere(tx, campaign)) return [];
    const message = 'The provider account of the campaign has been deleted: choose another, or null for the default one.';
    return [{ severity: 'error', code: 'provider_account_not_found', path: 'providerAccountId', message }];
  }

  private async addressFindings(tx: Tx, { tenantId, fromEmail }: Campaign): Promise<LaunchFinding[]> {
    if (!fromEmail) return [];
    const advice = await this.domains.adviceFor(tx, tenantId, fromEmail);
    return advice.map(({ code, message }) => ({ severity: 'warning', code, path: 'fromEmail', message }));
  }

  /** RFC 8058 §3.1: one-click needs an https address. The mailbox and the null provider send to nobody. */
  private oneClickFindings({ category, unsubscribeEnabled, providerAccountId }: Campaign): LaunchFinding[] {
    const { publicUrl, mail } = this.config;
    const isSent = providerAccountId !== null || (mail.provider !== 'mailbox' && mail.provider !== 'null');
    if (!isSent || publicUrl.startsWith('https:') || (category !== 'marketing' && !unsubscribeEnabled)) return [];
    const message =
      'PUBLIC_URL does not begin with https://, so mail clients offer no one-click unsubscription (RFC 8058). Large receivers want it.';
    return [{ severity: 'warning', code: 'one_click_needs_https', message }];
  }

  private async accountIsThere(tx: Tx, { tenantId, providerAccountId }: Campaign): Promise<boolean> {
    return providerAccountId === null || (await this.queries.providerAccountExists(tx, tenantId, providerAccountId));
  }
}
