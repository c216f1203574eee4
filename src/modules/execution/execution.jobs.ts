import { defineQueue } from '../../queue/index.js';

/** Both jobs say "look at this campaign"; what there is to do stands in its rows, so either may be lost, late or repeated. */
export interface ExecutionJobs {
  'enroll-campaign': { tenantId: string; campaignId: string };
  'advance-campaign': { tenantId: string; campaignId: string };
}

export const executionQueue = defineQueue<ExecutionJobs>('execution', { 'enroll-campaign': true, 'advance-campaign': true });
