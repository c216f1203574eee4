import { defineQueue } from '../../queue/index.js';

/** Aggregates the days of some campaigns of one tenant. What there is to count stands in the rows, so a job may be late or repeated. */
export interface AnalyticsJobs {
  'aggregate-day': { tenantId: string; campaignIds: string[] };
}

export const analyticsQueue = defineQueue<AnalyticsJobs>('analytics', { 'aggregate-day': true });
