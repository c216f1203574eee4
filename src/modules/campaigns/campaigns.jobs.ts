import { defineQueue } from '../../queue/index.js';

export const CAMPAIGNS_QUEUE = 'campaigns';

/** Hints that a campaign's row has changed in a way the engine acts on: launched, scheduled, resumed, cancelled. The processor is in execution. */
export interface CampaignJobs {
  'campaign-changed': { tenantId: string; campaignId: string };
}

export const campaignsQueue = defineQueue<CampaignJobs>(CAMPAIGNS_QUEUE, { 'campaign-changed': true });
