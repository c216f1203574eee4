import { preparedRows, type Tx } from '../../database/index.js';

/**
 * Namespace of the advisory lock of a campaign: `pg_advisory_xact_lock(CAMPAIGN_LOCK, hashtext(campaign_id::text))`. Pause and cancel take it
 * exclusively, a message passing the gate shares it (`pg_advisory_xact_lock_shared`). Two campaigns may share a hash; then one waits a moment
 * for the other, nothing more. Whoever also locks the campaign's row takes this lock first.
 */
export const CAMPAIGN_LOCK = 0x43_4d_50_4e;

/**
 * Namespace of the lock of a campaign's steps: whoever moves contacts by the version of the steps that is live (the engine's batches, enrolment)
 * shares it, publishing another version takes it alone, before `CAMPAIGN_LOCK`. A lock of its own, so that a pause waits for messages only.
 */
export const STEPS_LOCK = 0x53_54_45_50;

/** Holds the live version of the campaign's steps until the transaction ends. A statement of its own, before the campaign is read. */
export async function shareSteps(tx: Tx, campaignId: string): Promise<void> {
  await preparedRows(tx, 'steps_share', `SELECT pg_advisory_xact_lock_shared($1, hashtext($2))`, [STEPS_LOCK, campaignId]);
}
