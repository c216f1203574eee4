import { defineQueue } from '../../queue/index.js';

/** Computes the days that changed. Which ones stands in the rows, so a job may be late or repeated. */
export interface AnalyticsJobs {
  'aggregate-days': Record<string, never>;
}

export const analyticsQueue = defineQueue<AnalyticsJobs>('analytics', { 'aggregate-days': true });
