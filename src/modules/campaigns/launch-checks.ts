import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { Campaign } from './domain/campaign.js';
import type { LaunchFinding } from './domain/launch-rules.js';
import type { CampaignLink } from './domain/link-verdict.js';

/** What the slow part of a check found, and what it made for `freeze`. */
export interface LaunchPreparation {
  findings: LaunchFinding[];
  prepared?: unknown;
  /** Web addresses in the content, for who wants them called. */
  links?: CampaignLink[];
}

/**
 * Why a check is asked: `launch` (and preflight and schedule); `publish`, another version of the steps of a campaign under way; `rollback`, a version
 * that has been live before. For the latter two `campaign.stepsVersion` is the version that shall go live.
 */
export type LaunchOccasion = 'launch' | 'publish' | 'rollback';

/** One module's say in a launch, and in the publishing of another version of the steps. */
export interface LaunchCheck {
  /** For logs. */
  name: string;
  /** Reads and judges; must not write. Runs for `preflight`, `schedule` and `launch`, and before a version goes live. */
  check(tx: Tx, campaign: Campaign, occasion: LaunchOccasion): Promise<LaunchFinding[]>;
  /**
   * Slow work with no transaction open, such as compiling content. Runs after `check`, for preflight too: it must leave nothing
   * behind. Not for a rollback: what has been live is ready.
   */
  prepare?(tenantId: string, campaign: Campaign): Promise<LaunchPreparation | void>;
  /**
   * Inside the launch transaction, the campaign's row locked and already `active` (or, for a version, already running it): stores what `prepare` of this launch has made, after making
   * sure that what it was made from is still what is stored. Throws (`CampaignChangedError`) otherwise, which undoes the launch.
   */
  freeze?(tx: Tx, campaign: Campaign, prepared: unknown, occasion: LaunchOccasion): Promise<void>;
}

/** Where modules above campaigns hook into a launch: they register in `onModuleInit`. */
@Injectable()
export class LaunchChecks {
  private readonly checks: LaunchCheck[] = [];

  register(check: LaunchCheck): void {
    this.checks.push(check);
  }

  all(): readonly LaunchCheck[] {
    return this.checks;
  }
}
