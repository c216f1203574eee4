import { defineQueue } from '../../queue/index.js';

/** Something is due at once (a ping, a replay). What there is to send stands in the rows, so a job may be late, lost or repeated. */
export interface WebhookJobs {
  'send-due': Record<string, never>;
}

export const webhooksQueue = defineQueue<WebhookJobs>('webhooks', { 'send-due': true });
