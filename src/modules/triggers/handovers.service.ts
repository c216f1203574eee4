import { Injectable } from '@nestjs/common';
import { affected, rows, type Tx } from '../../database/index.js';
import { CampaignNotFoundError, type Campaign } from '../campaigns/index.js';
import { CampaignEntry } from '../enrollment/index.js';
import type { HandoverOutcome } from './entities/index.js';

/** How many actions "enroll" one after the other may lead a contact on: more is a circle of campaigns. */
const MAX_HOPS = 10;

/** Contacts that get to an action "enroll" together. */
export interface HandoverGroup {
  campaignId: string;
  stepId: string;
  targetCampaignId: string;
  people: { enrollmentId: string; contactId: string; entryNumber: number }[];
  now: Date;
}

interface Situation {
  enrollmentId: string;
  contactId: string;
  depth: number;
  isInside: boolean;
  isMailable: boolean;
}

/** From one campaign into another, in the transaction in which the contacts pass the step: so nobody is handed over twice, nor lost. */
@Injectable()
export class Handovers {
  constructor(private readonly entry: CampaignEntry) {}

  /**
   * Enrols the contacts in the other campaign if that is open, by its own rules of re-entry, and records what came of each. Whoever is not
   * enrolled is only that: the contact goes on in this campaign either way.
   */
  async handOver(tx: Tx, tenantId: string, group: HandoverGroup): Promise<void> {
    const target = await this.open(tx, tenantId, group.targetCampaignId);
    const before = await this.situations(tx, tenantId, group, target?.category === 'transactional');
    const ready = target ? before.filter(({ depth }) => depth < MAX_HOPS) : [];
    const entrants = ready.map(({ contactId, depth }) => ({ contactId, at: group.now, depth: depth + 1 }));
    const entered = target ? await this.entry.enter(tx, target, entrants, { cause: { by: 'campaign', campaignId: group.campaignId } }) : [];
    const isIn = new Set(entered.map(({ contactId }) => contactId));
    await this.record(tx, tenantId, group, before, (person) => outcomeOf(person, target, isIn));
  }

  private async open(tx: Tx, tenantId: string, campaignId: string): Promise<Campaign | null> {
    try {
      return await this.entry.openCampaign(tx, tenantId, campaignId);
    } catch (error) {
      if (error instanceof CampaignNotFoundError) return null;
      throw error;
    }
  }

  private situations(tx: Tx, tenantId: string, group: HandoverGroup, includeUnsubscribed: boolean): Promise<Situation[]> {
    return rows<Situation>(
      tx,
      `SELECT cc.id AS "enrollmentId", cc.contact_id AS "contactId", cc.entry_depth AS depth,
              EXISTS (SELECT FROM campaign_contacts t WHERE t.tenant_id = $1 AND t.campaign_id = $3 AND t.contact_id = cc.contact_id
                AND t.status IN ('enrolled', 'active', 'paused')) AS "isInside",
              c.deleted_at IS NULL AND (c.subscribed OR $4::boolean) AND NOT EXISTS (SELECT FROM suppressions s
                WHERE s.tenant_id = $1 AND s.email_norm = c.email_norm AND NOT ($4::boolean AND s.reason = 'unsubscribed')) AS "isMailable"
         FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = $1 AND c.id = cc.contact_id
        WHERE cc.tenant_id = $1 AND cc.id = ANY ($2::uuid[])`,
      [tenantId, group.people.map(({ enrollmentId }) => enrollmentId), group.targetCampaignId, includeUnsubscribed],
    );
  }

  private async record(
    tx: Tx,
    tenantId: string,
    { stepId, targetCampaignId, people, now }: HandoverGroup,
    situations: Situation[],
    outcome: (person: Situation) => HandoverOutcome,
  ): Promise<void> {
    const byId = new Map(situations.map((person) => [person.enrollmentId, person]));
    const known = people.filter(({ enrollmentId }) => byId.has(enrollmentId));
    await affected(
      tx,
      `INSERT INTO campaign_handovers (tenant_id, enrollment_id, step_id, entry_number, target_campaign_id, outcome, at)
       SELECT $1, p.enrollment_id, $2, p.entry_number, $3, p.outcome, $4
         FROM unnest($5::uuid[], $6::int[], $7::text[]) AS p (enrollment_id, entry_number, outcome)
       ON CONFLICT DO NOTHING`,
      [
        tenantId,
        stepId,
        targetCampaignId,
        now,
        known.map(({ enrollmentId }) => enrollmentId),
        known.map(({ entryNumber }) => entryNumber),
        known.map(({ enrollmentId }) => outcome(byId.get(enrollmentId)!)),
      ],
    );
  }
}

function outcomeOf(person: Situation, target: Campaign | null, entered: ReadonlySet<string>): HandoverOutcome {
  if (!target) return 'not_open';
  if (person.depth >= MAX_HOPS) return 'too_many_hops';
  if (entered.has(person.contactId)) return 'enrolled';
  if (person.isInside) return 'already_inside';
  return person.isMailable ? 'may_not_enter' : 'not_mailable';
}
