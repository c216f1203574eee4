import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { Clock } from '../../shared/clock.js';
import { failPoint } from '../../shared/fail-point.js';
import { CAMPAIGN_LOCK } from '../campaigns/index.js';
import { DeliveryQueries, type FireRequest } from './delivery.queries.js';
import type { ClaimedEmail, Refusal, SendingCampaign, Settlement } from './delivery.types.js';
import { MailCounters } from './mail-counters.js';
import type { Outlet } from './outlet.js';
import { Pacer } from './pacer.service.js';
import { SettlementService } from './settlement.service.js';

export interface FireResult {
  /** Committed as `sending`: the provider may be called for these and for no others. */
  fired: Set<string>;
  /** The campaign, its budget or its account sends nothing at the moment: there is no use in trying further rows. */
  isClosed: boolean;
}

interface Refused {
  settled: Settlement[];
  /** Holds for every row of the campaign. */
  isClosing: boolean;
}

/** Refusals that hold for every row of the campaign. */
const CLOSING: ReadonlySet<string> = new Set(['campaign_not_active', 'not_started', 'campaign_ended', 'provider_unavailable']);

/** The last look before a message goes out. Everything that may stop it is decided in the transaction that commits it as `sending`. */
@Injectable()
export class GateService {
  constructor(
    private readonly db: Database,
    private readonly queries: DeliveryQueries,
    private readonly settlements: SettlementService,
    private readonly clock: Clock,
    private readonly pacer: Pacer,
    private readonly counters: MailCounters,
  ) {}

  /**
   * `queued → sending` for a group of rows claimed with one token. Rows that may not go out are settled (with their contacts) or put back, in
   * the same transaction. When this throws, the group may or may not have been committed: the caller must put it back before it forgets it.
   */
  async fire(
    campaign: SendingCampaign,
    token: string,
    group: ClaimedEmail[],
    outlet: Pick<Outlet, 'sendLeaseMs' | 'providerName' | 'accountKey'>,
    isProbe = false,
  ): Promise<FireResult> {
    const common = {
      campaignId: campaign.campaignId,
      token,
      now: this.clock.now(),
      leaseSeconds: outlet.sendLeaseMs / 1000,
      provider: outlet.providerName,
      accountKey: outlet.accountKey,
      isProbe,
    };
    const { settled, ...result } = await this.db.inTenant(campaign.tenantId, async (tx) => {
      await this.queries.shareCampaign(tx, CAMPAIGN_LOCK, campaign.campaignId);
      const paced = await this.pacer.pace(tx, campaign, common.accountKey, group, common.now);
      const ids = paced.allowed.map(({ id }) => id);
      const request: FireRequest = { ...common, ids, emails: paced.allowed.map(({ email }) => email) };
      const fired = new Set(ids.length > 0 ? await this.queries.fire(tx, campaign.tenantId, request) : []);
      const refused = paced.allowed.filter(({ id }) => !fired.has(id));
      const refusals = await this.settleRefused(tx, campaign.tenantId, request, refused);
      const held = await this.settlements.settleIn(tx, campaign.tenantId, paced.held);
      await paced.settle(tx, fired);
      await failPoint('fire_before_commit');
      return { fired, isClosed: refusals.isClosing || paced.isExhausted, settled: [...refusals.settled, ...held] };
    });
    this.counters.countEndings(settled);
    return result;
  }

  private async settleRefused(tx: Tx, tenantId: string, request: FireRequest, refused: ClaimedEmail[]): Promise<Refused> {
    if (refused.length === 0) return { settled: [], isClosing: false };
    const byId = new Map(refused.map((email) => [email.id, email]));
    const refusals = await this.queries.explainRefusals(tx, tenantId, request, refused);
    const settlements: Settlement[] = [];
    for (const refusal of refusals) {
      if (refusal.verdict !== 'lost') settlements.push(settlementOf(byId.get(refusal.id) as ClaimedEmail, refusal, request.now));
    }
    const isClosing = refusals.some(({ verdict, ...r }) => verdict === 'cancel' || ('reason' in r && CLOSING.has(r.reason)));
    return { settled: await this.settlements.settleIn(tx, tenantId, settlements), isClosing };
  }
}

function settlementOf(email: ClaimedEmail, refusal: Exclude<Refusal, { verdict: 'lost' }>, at: Date): Settlement {
  const { id, token, stepId, enrollmentId, entryNumber } = email;
  const ref = { id, token, stepId, enrollmentId, entryNumber, at, detail: null, reason: refusal.reason };
  if (refusal.verdict === 'skip') return { ...ref, status: 'skipped' };
  if (refusal.verdict === 'cancel') return { ...ref, status: 'cancelled' };
  return { ...ref, status: 'queued', dueAt: refusal.dueAt };
}
