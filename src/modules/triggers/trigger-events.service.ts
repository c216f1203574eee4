import { Injectable, Logger } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { DomainError } from '../../shared/domain-error.js';
import type { Campaign } from '../campaigns/index.js';
import { ContactEventsService, type UnappliedContactEvent } from '../contacts/index.js';
import { CampaignEntry, PeopleInside } from '../enrollment/index.js';
import { eventRounds } from './domain/event-rounds.js';
import { TriggerEventsQueries, type Listener } from './trigger-events.queries.js';
import { Waits } from './waits.service.js';

const BATCH = 1_000;
/** Events of one contact that one transaction applies one after the other; the others follow in the next. */
const ROUNDS = 20;
/** In which order one event acts. */
const ORDER = { goal: 0, wait: 1, entry: 2 } as const;

/** What came of one batch of one tenant. */
interface Batch {
  tx: Tx;
  tenantId: string;
  now: Date;
  /** The campaigns people may enter, looked at once. */
  open: Map<string, Campaign | null>;
}

/**
 * Tells campaigns what contacts did. An event is applied in the transaction that marks it as applied: a crash leaves it for the next run, and
 * no event is applied twice. Events of one contact are applied in the order in which they happened, as far as they are known; contacts are taken
 * together, one statement per campaign.
 */
@Injectable()
export class TriggerEvents {
  private readonly logger = new Logger('Triggers');

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly queries: TriggerEventsQueries,
    private readonly contactEvents: ContactEventsService,
    private readonly entry: CampaignEntry,
    private readonly inside: PeopleInside,
    private readonly waits: Waits,
  ) {}

  /** One batch of every tenant that has events. True if there is more. Safe in any number of processes at once. */
  async applyOnce(): Promise<boolean> {
    const tenants = await this.db.asSystem((tx) => this.contactEvents.tenantsWithUnapplied(tx));
    let hasMore = false;
    for (const tenantId of tenants) {
      try {
        hasMore = (await this.applyTenant(tenantId)) || hasMore;
      } catch (error) {
        this.logger.error(`Events of tenant ${tenantId} could not be applied: ${(error as Error).message}`, (error as Error).stack);
      }
    }
    return hasMore;
  }

  /** True if there is more. */
  async applyTenant(tenantId: string): Promise<boolean> {
    return this.db.inTenant(tenantId, async (tx) => {
      if (!(await this.queries.lockTenant(tx, tenantId))) return false;
      const events = await this.contactEvents.unapplied(tx, tenantId, BATCH);
      if (events.length === 0) return false;
      const now = this.clock.now();
      const heard = await this.heard(tx, tenantId, events, now);
      const { rounds, later } = eventRounds(events, ({ id }) => heard.has(id), ROUNDS);
      const batch: Batch = { tx, tenantId, now, open: new Map() };
      for (const round of rounds) await this.applyRound(batch, round, heard);
      const postponed = new Set(later.map(({ id }) => id));
      const applied = events.filter(({ id }) => !postponed.has(id)).map(({ id }) => id);
      await this.contactEvents.markApplied(tx, tenantId, applied, now);
      return events.length === BATCH || later.length > 0;
    });
  }

  /** Which listeners hear which event. */
  private async heard(tx: Tx, tenantId: string, events: UnappliedContactEvent[], now: Date): Promise<Map<string, Listener[]>> {
    const listeners = await this.queries.listeners(tx, tenantId, [...new Set(events.map(({ name }) => name))]);
    const heard = new Map<string, Listener[]>();
    for (const listener of listeners) {
      const named = events.filter(({ name }) => name === listener.eventName);
      const ids = named.map(({ id }) => id);
      const matching = listener.filter ? await this.queries.matching(tx, tenantId, ids, listener.filter, now) : new Set(ids);
      for (const id of matching) heard.set(id, [...(heard.get(id) ?? []), listener]);
    }
    return heard;
  }

  /** A round has at most one event of each contact, so everybody who hears the same can be treated together. */
  private async applyRound(batch: Batch, events: UnappliedContactEvent[], heard: Map<string, Listener[]>): Promise<void> {
    const groups = new Map<Listener, UnappliedContactEvent[]>();
    for (const event of events) {
      for (const listener of heard.get(event.id) ?? []) groups.set(listener, [...(groups.get(listener) ?? []), event]);
    }
    const ordered = [...groups].sort(([a], [b]) => ORDER[a.purpose] - ORDER[b.purpose] || (a.campaignId < b.campaignId ? -1 : 1));
    for (const [listener, group] of ordered) {
      try {
        await this.act(batch, listener, group);
      } catch (error) {
        // A campaign whose segment has become unusable must not stop the events of the others; it says so itself at every look.
        if (!(error instanceof DomainError)) throw error;
        this.logger.warn(`Campaign ${listener.campaignId} could not follow ${group.length} events: ${error.message}`);
      }
    }
  }

  private async act({ tx, tenantId, now, open }: Batch, listener: Listener, events: UnappliedContactEvent[]): Promise<void> {
    const { campaignId, purpose, stepId, eventName } = listener;
    const people = events.map(({ contactId, occurredAt }) => ({ contactId, at: occurredAt }));
    if (purpose === 'goal') {
      await this.inside.reachGoal(tx, tenantId, campaignId, people, now);
    } else if (purpose === 'wait') {
      const contactIds = people.map(({ contactId }) => contactId);
      await this.waits.wakeContacts(tx, tenantId, { campaignId, stepId: stepId!, contactIds }, now);
    } else {
      if (!open.has(campaignId)) open.set(campaignId, await this.entry.openCampaign(tx, tenantId, campaignId));
      const campaign = open.get(campaignId);
      // What happened before the launch is history, however late it is reported.
      if (campaign) {
        const since = people.filter(({ at }) => at >= campaign.launchedAt!);
        await this.entry.enter(tx, campaign, since, { cause: { by: 'event', name: eventName } });
      }
    }
  }
}
