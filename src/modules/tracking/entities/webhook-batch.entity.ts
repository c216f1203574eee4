import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** An event that could not be read, with why. `event` is its text, shortened. */
export interface BatchError {
  index: number;
  message: string;
  event: string;
}

/**
 * One call of a provider's event webhook, stored as it came before it was answered, and taken apart afterwards. Once that is done the body is gone
 * (its facts are events) and the row says what came of it; it is kept for a week.
 */
@Entity('webhook_batches')
@Check('ck_webhook_batches_body', 'processed_at IS NOT NULL OR body IS NOT NULL')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_webhook_batches_tenant', onDelete: 'CASCADE' })
@Index('idx_webhook_batches_waiting', ['id'], { where: 'processed_at IS NULL' })
@Index('idx_webhook_batches_received', ['receivedAt'])
export class WebhookBatch {
  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_webhook_batches' })
  id: string;

  @Column('varchar', { name: 'provider', length: 20 })
  provider: string;

  /** Whose account it came from; null for the account of the installation, which serves all tenants. */
  @Column('uuid', { name: 'tenant_id', nullable: true })
  tenantId: string | null;

  @Column('timestamptz', { name: 'received_at', default: () => 'now()' })
  receivedAt: Date;

  @Column('bytea', { name: 'body', nullable: true })
  body: Buffer | null;

  @Column('timestamptz', { name: 'processed_at', nullable: true })
  processedAt: Date | null;

  @Column('integer', { name: 'event_count', default: 0 })
  eventCount: number;

  /** New to us; the rest were repetitions or not for us. */
  @Column('integer', { name: 'stored_count', default: 0 })
  storedCount: number;

  /** About mail that is not ours, or of a kind we have no use for. */
  @Column('integer', { name: 'ignored_count', default: 0 })
  ignoredCount: number;

  /** Named another tenant than the one whose account sent them: dropped. */
  @Column('integer', { name: 'foreign_count', default: 0 })
  foreignCount: number;

  @Column('integer', { name: 'error_count', default: 0 })
  errorCount: number;

  /** The first of those that could not be read. */
  @Column('jsonb', { name: 'errors', nullable: true })
  errors: BatchError[] | null;
}
