import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { Campaign } from './domain/campaign.js';

export type ResumePolicy = 'catch_up' | 'shift';

/** What listeners are told beside the campaign as it now stands. */
export interface CampaignEvents {
  launched: { at: Date };
  paused: { at: Date };
  /** `shift`: due times move by `at - pausedAt`; `catch_up`: what came due meanwhile is due now. */
  resumed: { at: Date; policy: ResumePolicy; pausedAt: Date };
  cancelled: { at: Date };
  completed: { at: Date };
  /** No change of status: contacts were put in, one by one; the campaign as it stands with them. */
  enrolledByHand: object;
}
export type CampaignEvent = keyof CampaignEvents;
export type CampaignListener<Event extends CampaignEvent> = (tx: Tx, campaign: Campaign, detail: CampaignEvents[Event]) => Promise<void>;

/**
 * Lets other modules take part in a change of status, inside its transaction: a listener that throws undoes the change. Register in
 * `onModuleInit`; only set-based SQL belongs here.
 */
@Injectable()
export class CampaignLifecycle {
  private readonly listeners: { [Event in CampaignEvent]: CampaignListener<Event>[] } = {
    launched: [],
    paused: [],
    resumed: [],
    cancelled: [],
    completed: [],
    enrolledByHand: [],
  };

  on<Event extends CampaignEvent>(event: Event, listener: CampaignListener<Event>): void {
    this.listeners[event].push(listener);
  }

  /** Runs the listeners one after another, in the order of registration. */
  async emit<Event extends CampaignEvent>(tx: Tx, event: Event, campaign: Campaign, detail: CampaignEvents[Event]): Promise<void> {
    for (const listener of this.listeners[event]) await listener(tx, campaign, detail);
  }
}
