/**
 * Namespace of the advisory lock of a campaign: `pg_advisory_xact_lock(CAMPAIGN_LOCK, hashtext(campaign_id::text))`. Pause and cancel take it
 * exclusively, a message passing the gate shares it (`pg_advisory_xact_lock_shared`). Two campaigns may share a hash; then one waits a moment
 * for the other, nothing more. Whoever also locks the campaign's row takes this lock first.
 */
export const CAMPAIGN_LOCK = 0x43_4d_50_4e;
