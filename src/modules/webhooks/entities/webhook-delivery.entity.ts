import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

const PK = { primaryKeyConstraintName: 'pk_webhook_deliveries' };

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** One fact to be told to one endpoint, and how that went; kept for 30 days. `factKey` makes that a fact is told once, however often it is found. */
@Entity('webhook_deliveries')
@Unique('uq_webhook_deliveries_fact', ['tenantId', 'endpointId', 'factKey'])
@Index('idx_webhook_deliveries_due', ['tenantId', 'endpointId', 'dueAt', 'id'], { where: `status = 'pending'` })
@Index('idx_webhook_deliveries_log', ['tenantId', 'endpointId', 'id'])
@Check('ck_webhook_deliveries_status', `status IN ('pending', 'delivered', 'failed')`)
@ForeignKey('WebhookEndpoint', ['tenantId', 'endpointId'], ['tenantId', 'id'], {
  name: 'fk_webhook_deliveries_endpoint',
  onDelete: 'CASCADE',
})
export class WebhookDelivery {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  /** With `msg_` before it, the `webhook-id` of every attempt. */
  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', ...PK })
  id: string;

  @Column('uuid', { name: 'endpoint_id' })
  endpointId: string;

  @Column('varchar', { name: 'event_type', length: 50 })
  eventType: string;

  @Column('varchar', { name: 'fact_key', length: 120 })
  factKey: string;

  @Column('timestamptz', { name: 'occurred_at' })
  occurredAt: Date;

  /** The member `data` of the body: ids and small facts, no content and no address. */
  @Column('jsonb', { name: 'data' })
  data: Record<string, unknown>;

  @Column('varchar', { name: 'status', length: 20, default: 'pending' })
  status: DeliveryStatus;

  @Column('smallint', { name: 'attempts', default: 0 })
  attempts: number;

  @Column('timestamptz', { name: 'due_at' })
  dueAt: Date;

  @Column('uuid', { name: 'lease_token', nullable: true })
  leaseToken: string | null;

  @Column('timestamptz', { name: 'lease_expires_at', nullable: true })
  leaseExpiresAt: Date | null;

  @Column('timestamptz', { name: 'last_attempt_at', nullable: true })
  lastAttemptAt: Date | null;

  @Column('smallint', { name: 'status_code', nullable: true })
  statusCode: number | null;

  @Column('integer', { name: 'duration_ms', nullable: true })
  durationMs: number | null;

  @Column('varchar', { name: 'error', length: 300, nullable: true })
  error: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
