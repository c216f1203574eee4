import { defineQueue } from '../../queue/index.js';

export const DELIVERY_QUEUE = 'delivery';

/** Hints that a campaign has mail to send. Several shards of one campaign are the same work done by several workers at once. */
export interface DeliveryJobs {
  'deliver-campaign': { tenantId: string; campaignId: string; shard: number };
}

export const deliveryQueue = defineQueue<DeliveryJobs>(DELIVERY_QUEUE, { 'deliver-campaign': true });

export function deliverDedupeId(campaignId: string, shard: number): string {
  return `deliver-${campaignId}-${shard}`;
}
