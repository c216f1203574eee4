import { Injectable } from '@nestjs/common';
import { affected, row, rows, type Tx } from '../../database/index.js';
import type { AbOutcome, Decision, VariantFigures } from './domain/test-state.js';

const COLUMNS = `tenant_id AS "tenantId", campaign_id AS "campaignId", step_id AS "stepId", status, started_at AS "startedAt",
  next_look_at AS "nextLookAt", deadline, alpha_spent AS "alphaSpent", looks, outcome, winner_variant_id AS "winnerVariantId", reason, figures,
  decided_at AS "decidedAt", decided_by AS "decidedBy", released_at AS "releasedAt"`;

export interface StepRef {
  tenantId: string;
  campaignId: string;
  stepId: string;
}

/** Every statement on `ab_decisions`, and the counts a decision is made from. */
@Injectable()
export class ExperimentsQueries {
  /** Waits for a decision that is being made, and holds decisions off until the transaction ends. A statement of its own, before any that reads. */
  async shareCampaign(tx: Tx, namespace: number, campaignId: string): Promise<void> {
    await rows(tx, `SELECT pg_advisory_xact_lock_shared($1::int, hashtext($2::text))`, [namespace, campaignId]);
  }

  /** Waits until nobody is placing contacts in the campaign's tests or passing the gate, and keeps everybody out until the transaction ends. */
  async lockCampaign(tx: Tx, namespace: number, campaignId: string): Promise<void> {
    await rows(tx, `SELECT pg_advisory_xact_lock($1::int, hashtext($2::text))`, [namespace, campaignId]);
  }

  find(tx: Tx, tenantId: string, stepId: string): Promise<Decision | null> {
    return row<Decision>(tx, `SELECT ${COLUMNS} FROM ab_decisions WHERE tenant_id = $1 AND step_id = $2`, [tenantId, stepId]);
  }

  list(tx: Tx, tenantId: string, campaignId: string): Promise<Decision[]> {
    return rows<Decision>(tx, `SELECT ${COLUMNS} FROM ab_decisions WHERE tenant_id = $1 AND campaign_id = $2`, [tenantId, campaignId]);
  }

  /** Opens the test of a step, once: of any number of workers the first does. */
  async begin(tx: Tx, { tenantId, stepId }: StepRef, times: { now: Date; nextLookAt: Date | null; deadline: Date | null }): Promise<void> {
    await affected(
      tx,
      `INSERT INTO ab_decisions (tenant_id, step_id, campaign_id, version, started_at, next_look_at, deadline)
       SELECT tenant_id, id, campaign_id, version, $3, $4, $5 FROM campaign_steps WHERE tenant_id = $1 AND id = $2
       ON CONFLICT (tenant_id, step_id) DO NOTHING`,
      [tenantId, stepId, times.now, times.nextLookAt, times.deadline],
    );
  }

  /** System scope. Tests whose next look is due. A paused campaign decides nothing; a completed one may still, for the record. */
  listDue(tx: Tx, now: Date, limit: number): Promise<StepRef[]> {
    return rows<StepRef>(
      tx,
      `SELECT d.tenant_id AS "tenantId", d.campaign_id AS "campaignId", d.step_id AS "stepId"
         FROM ab_decisions d JOIN campaigns c ON c.tenant_id = d.tenant_id AND c.id = d.campaign_id AND c.status IN ('active', 'completed')
        WHERE d.status = 'testing' AND d.next_look_at <= $1 ORDER BY d.next_look_at LIMIT $2`,
      [now, limit],
    );
  }

  /** System scope. Decisions after which somebody may still be waiting. */
  listUnreleased(tx: Tx, limit: number): Promise<StepRef[]> {
    return rows<StepRef>(
      tx,
      `SELECT tenant_id AS "tenantId", campaign_id AS "campaignId", step_id AS "stepId" FROM ab_decisions
        WHERE released_at IS NULL AND status = 'decided' ORDER BY decided_at LIMIT $1`,
      [limit],
    );
  }

  /** What became of each variant's messages, those of other versions counted in where the test went on unchanged, and of those planned until `until` where that is given. Variants without any are missing. */
  figures(
    tx: Tx,
    { tenantId, campaignId, stepId }: StepRef,
    goalEvent: string | null,
    until: Date | null = null,
  ): Promise<VariantFigures[]> {
    return rows<VariantFigures>(
      tx,
      `SELECT v0.id AS "variantId", count(*)::int AS sent,
              count(*) FILTER (WHERE e.bounced_at IS NULL AND e.status NOT IN ('bounced', 'dropped'))::int AS reached,
              count(e.delivered_at)::int AS delivered, count(e.first_human_opened_at)::int AS opened,
              count(e.first_human_clicked_at)::int AS clicked, count(e.replied_at)::int AS replied,
              count(*) FILTER (WHERE $4::text IS NOT NULL AND EXISTS (
                SELECT FROM contact_events v WHERE v.tenant_id = e.tenant_id AND v.contact_id = e.contact_id AND v.name = $4::text
                   AND v.occurred_at >= e.sent_at))::int AS converted
         FROM step_variants v0 JOIN step_variants line ON line.tenant_id = $1 AND line.lineage_id = v0.lineage_id
         JOIN emails e ON e.tenant_id = $1 AND e.campaign_id = $2 AND e.step_id = line.step_id AND e.variant_id = line.id
        WHERE v0.tenant_id = $1 AND v0.step_id = $3 AND e.sent_at IS NOT NULL
          AND ($5::timestamptz IS NULL OR e.created_at <= $5)
        GROUP BY v0.id`,
      [tenantId, campaignId, stepId, goalEvent, until],
    );
  }

  async countWaiting(tx: Tx, { tenantId, campaignId, stepId }: StepRef): Promise<number> {
    const found = await row<{ count: number }>(
      tx,
      `SELECT count(*)::int AS count FROM campaign_contacts
        WHERE tenant_id = $1 AND campaign_id = $2 AND current_step_id = $3 AND status IN ('active', 'paused')
          AND step_entered_at IS NOT NULL AND next_email_scheduled_at IS NOT NULL`,
      [tenantId, campaignId, stepId],
    );
    return found!.count;
  }

  /** Whether messages of the step wait for their turn, with none gone out yet. */
  async isWaitingToBegin(tx: Tx, { tenantId, campaignId, stepId }: StepRef): Promise<boolean> {
    const found = await row<{ waiting: boolean }>(
      tx,
      `SELECT EXISTS (SELECT FROM emails WHERE tenant_id = $1 AND campaign_id = $2 AND step_id = $3 AND status = 'queued') AS waiting`,
      [tenantId, campaignId, stepId],
    );
    return found!.waiting;
  }

  /** Moves the test on to its next look. */
  async look(
    tx: Tx,
    { tenantId, stepId }: StepRef,
    next: { startedAt: Date; nextLookAt: Date; deadline: Date; alphaSpent: number; looks: number },
  ): Promise<void> {
    await affected(
      tx,
      `UPDATE ab_decisions SET started_at = $3, next_look_at = $4, deadline = $5, alpha_spent = $6, looks = $7
        WHERE tenant_id = $1 AND step_id = $2 AND status = 'testing'`,
      [tenantId, stepId, next.startedAt, next.nextLookAt, next.deadline, next.alphaSpent, next.looks],
    );
  }

  /** Those who wait are to be let go anew, also where they were before: a choice by hand may replace a decision. */
  async decide(
    tx: Tx,
    { tenantId, stepId }: StepRef,
    d: {
      outcome: AbOutcome;
      winnerVariantId: string | null;
      reason: string;
      figures: VariantFigures[];
      now: Date;
      by: string;
      looks: number;
    },
  ): Promise<void> {
    await affected(
      tx,
      `UPDATE ab_decisions SET status = 'decided', outcome = $3, winner_variant_id = $4, reason = $5, figures = $6::jsonb, decided_at = $7,
              decided_by = $8, looks = $9, next_look_at = NULL, released_at = NULL
        WHERE tenant_id = $1 AND step_id = $2`,
      [tenantId, stepId, d.outcome, d.winnerVariantId, d.reason, JSON.stringify(d.figures), d.now, d.by, d.looks],
    );
  }

  async markReleased(tx: Tx, { tenantId, stepId }: StepRef, now: Date): Promise<void> {
    const sql = `UPDATE ab_decisions SET released_at = $3 WHERE tenant_id = $1 AND step_id = $2 AND status = 'decided'`;
    await affected(tx, sql, [tenantId, stepId, now]);
  }

  /** Gives back the time of a pause. */
  async shift(tx: Tx, tenantId: string, campaignId: string, byMs: number): Promise<void> {
    await affected(
      tx,
      `UPDATE ab_decisions SET started_at = started_at + $3 * interval '1 millisecond', next_look_at = next_look_at + $3 * interval '1 millisecond',
              deadline = deadline + $3 * interval '1 millisecond'
        WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'testing'`,
      [tenantId, campaignId, byMs],
    );
  }

  /**
   * Gives the step of another version the state of a test that goes on there; what that had before is overwritten. Whoever waits at the new step is let go
   * by it, so a decision is released anew.
   */
  async carryOn(
    tx: Tx,
    tenantId: string,
    to: { stepId: string; winnerVariantId: string | null; figures: VariantFigures[] | null },
    from: string,
  ): Promise<void> {
    await affected(
      tx,
      `INSERT INTO ab_decisions (tenant_id, step_id, campaign_id, version, status, started_at, next_look_at, deadline, alpha_spent, looks, outcome,
              winner_variant_id, reason, figures, decided_at, decided_by)
       SELECT d.tenant_id, s.id, d.campaign_id, s.version, d.status, d.started_at, d.next_look_at, d.deadline, d.alpha_spent, d.looks, d.outcome,
              $4, d.reason, $5::jsonb, d.decided_at, d.decided_by
         FROM ab_decisions d JOIN campaign_steps s ON s.tenant_id = $1 AND s.id = $2 WHERE d.tenant_id = $1 AND d.step_id = $3
       ON CONFLICT (tenant_id, step_id) DO UPDATE
          SET status = excluded.status, started_at = excluded.started_at, next_look_at = excluded.next_look_at, deadline = excluded.deadline,
              alpha_spent = excluded.alpha_spent, looks = excluded.looks, outcome = excluded.outcome, winner_variant_id = excluded.winner_variant_id,
              reason = excluded.reason, figures = excluded.figures, decided_at = excluded.decided_at, decided_by = excluded.decided_by, released_at = NULL`,
      [tenantId, to.stepId, from, to.winnerVariantId, to.figures && JSON.stringify(to.figures)],
    );
  }

  /** Which tests somebody looks at: with `onlyThis` no other version's any more, and those of `version` again if they had been left. */
  async watchVersion(tx: Tx, tenantId: string, campaignId: string, version: number, onlyThis: boolean, now: Date): Promise<void> {
    await affected(
      tx,
      `UPDATE ab_decisions SET next_look_at = CASE WHEN version = $3 THEN coalesce(next_look_at, $5::timestamptz) WHEN $4::boolean THEN NULL ELSE next_look_at END
        WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'testing'`,
      [tenantId, campaignId, version, onlyThis, now],
    );
  }

  /** Nobody looks at the tests of a cancelled campaign any more. */
  async stopLooking(tx: Tx, tenantId: string, campaignId: string): Promise<void> {
    const sql = `UPDATE ab_decisions SET next_look_at = NULL WHERE tenant_id = $1 AND campaign_id = $2 AND status = 'testing'`;
    await affected(tx, sql, [tenantId, campaignId]);
  }
}
