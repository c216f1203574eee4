export { CampaignVersionRow } from './campaign-version.entity.js';
