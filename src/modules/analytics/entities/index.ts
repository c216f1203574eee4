export { CampaignAnalytics } from './campaign-analytics.entity.js';
