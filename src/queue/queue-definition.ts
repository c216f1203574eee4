/** Every job of a queue by name, with its payload: ids only, because the row is the truth and the job only a hint to look at it. */
export type JobMap = object;

export type JobName<Jobs> = Extract<keyof Jobs, string>;

export interface QueueDefinition<Jobs extends JobMap = JobMap> {
  readonly name: string;
  readonly jobs: readonly JobName<Jobs>[];
}

/**
 * Declares a queue beside its job map (`<module>.jobs.ts`). The record has to name every job of the map: forgetting one does not compile,
 * and forgetting its handler stops the start.
 *
 *     export interface DeliveryJobs { 'send-due': { campaignId: string } }
 *     export const deliveryQueue = defineQueue<DeliveryJobs>('delivery', { 'send-due': true });
 */
export function defineQueue<Jobs extends JobMap>(name: string, jobs: Record<JobName<Jobs>, true>): QueueDefinition<Jobs> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`A queue is named in lower case with dashes, not "${name}"`);
  return { name, jobs: Object.keys(jobs) as JobName<Jobs>[] };
}
