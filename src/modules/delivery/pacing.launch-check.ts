import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { nextSendTime } from '../../shared/send-window.js';
import type { Campaign, LaunchCheck, LaunchFinding } from '../campaigns/index.js';
import { PacingQueries } from './pacing.queries.js';

/** Finds what would keep all mail of a campaign waiting for ever: a send window that lies wholly inside the tenant's quiet hours. */
@Injectable()
export class PacingLaunchCheck implements LaunchCheck {
  readonly name = 'pacing';

  constructor(
    private readonly queries: PacingQueries,
    private readonly clock: Clock,
  ) {}

  async check(tx: Tx, { tenantId, category, sendWindow }: Campaign): Promise<LaunchFinding[]> {
    // Quiet hours are for marketing alone.
    if (!sendWindow || category !== 'marketing') return [];
    const quiet = (await this.queries.settings(tx, tenantId))?.settings.quietHours;
    // Both go by the contact's own clock, so one zone stands for all.
    if (!quiet || nextSendTime(this.clock.now(), 'UTC', sendWindow, quiet) !== null) return [];
    const message =
      `The send window (${sendWindow.from} to ${sendWindow.to}) lies wholly inside the quiet hours (${quiet.from} to ${quiet.to}): ` +
      'nothing would ever be sent. Widen sendWindow, or change quietHours in /api/pacing.';
    return [{ severity: 'error', code: 'send_window_never_opens', path: 'sendWindow', message }];
  }
}
