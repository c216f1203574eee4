export { AnalyticsBucket } from './analytics-bucket.entity.js';
export { AnalyticsDelta } from './analytics-delta.entity.js';
export { AnalyticsLinkCount } from './analytics-link-count.entity.js';
export { AnalyticsLink } from './analytics-link.entity.js';
export { AnalyticsState } from './analytics-state.entity.js';
export { AnalyticsStateDelta } from './analytics-state-delta.entity.js';
export { AnalyticsStep } from './analytics-step.entity.js';
export { CampaignAnalytics } from './campaign-analytics.entity.js';
