export { CampaignHandover, HANDOVER_OUTCOMES, type HandoverOutcome } from './campaign-handover.entity.js';
export { CampaignTrigger } from './campaign-trigger.entity.js';
export { CampaignWatch, CampaignWatchMember } from './campaign-watch.entity.js';
