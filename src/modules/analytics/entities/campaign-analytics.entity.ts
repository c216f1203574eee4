import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_campaign_analytics' };
const COUNT = { default: 0 };
const RATE = { precision: 5, scale: 2, nullable: true } as const;

/**
 * What happened to a campaign's mail on one day of the campaign's zone (specification lines 131–166). Derived: written only by the daily
 * aggregation, from the ledger and the events, and equal to a recount of them at any time.
 */
@Entity('campaign_analytics')
@Unique('uq_campaign_analytics_date', ['tenantId', 'campaignId', 'date'])
@Index('idx_campaign_analytics_date', ['tenantId', 'date'])
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_analytics_campaign', onDelete: 'CASCADE' })
export class CampaignAnalytics {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  /** A calendar day in the campaign's zone. */
  @Column('date', { name: 'date' })
  date: string;

  @Column('integer', { name: 'emails_sent', ...COUNT })
  emailsSent: number;

  @Column('integer', { name: 'emails_delivered', ...COUNT })
  emailsDelivered: number;

  @Column('integer', { name: 'emails_bounced', ...COUNT })
  emailsBounced: number;

  /** Messages first opened by a person on this day, so that the days add up. */
  @Column('integer', { name: 'unique_opens', ...COUNT })
  uniqueOpens: number;

  @Column('integer', { name: 'total_opens', ...COUNT })
  totalOpens: number;

  @Column('integer', { name: 'unique_clicks', ...COUNT })
  uniqueClicks: number;

  @Column('integer', { name: 'total_clicks', ...COUNT })
  totalClicks: number;

  @Column('integer', { name: 'replies', ...COUNT })
  replies: number;

  @Column('integer', { name: 'spam_complaints', ...COUNT })
  spamComplaints: number;

  @Column('integer', { name: 'unsubscribes', ...COUNT })
  unsubscribes: number;

  /** Per cent with two decimals; null where nothing was sent. The other rates are over what was delivered. */
  @Column('numeric', { name: 'delivery_rate', ...RATE })
  deliveryRate: string | null;

  @Column('numeric', { name: 'open_rate', ...RATE })
  openRate: string | null;

  @Column('numeric', { name: 'click_rate', ...RATE })
  clickRate: string | null;

  @Column('numeric', { name: 'reply_rate', ...RATE })
  replyRate: string | null;

  @Column('numeric', { name: 'unsubscribe_rate', ...RATE })
  unsubscribeRate: string | null;

  @Column('timestamptz', { name: 'calculated_at', default: () => 'now()' })
  calculatedAt: Date;
}
