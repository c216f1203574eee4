import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** The circuit breaker of one provider account, shared by all processes. Times are the database's: they compare processes. */
@Entity('provider_health')
@Check('ck_provider_health_state', `state IN ('closed', 'open', 'half_open')`)
@Check('ck_provider_health_open', `(state = 'closed') = (retry_at IS NULL)`)
export class ProviderHealth {
  @PrimaryColumn('varchar', { name: 'account_key', length: 120, primaryKeyConstraintName: 'pk_provider_health' })
  accountKey: string;

  @Column('varchar', { name: 'state', length: 10, default: 'closed' })
  state: 'closed' | 'open' | 'half_open';

  @Column('timestamptz', { name: 'window_started_at' })
  windowStartedAt: Date;

  /** Messages handed over in the window, as far as processes that saw a failure have reported them. */
  @Column('integer', { name: 'attempts', default: 0 })
  attempts: number;

  @Column('integer', { name: 'failures', default: 0 })
  failures: number;

  /** How often it has opened without closing in between: the next probe comes later each time. */
  @Column('integer', { name: 'openings', default: 0 })
  openings: number;

  @Column('timestamptz', { name: 'opened_at', nullable: true })
  openedAt: Date | null;

  /** When the next probe may go; while one is under way, when it counts as lost. */
  @Column('timestamptz', { name: 'retry_at', nullable: true })
  retryAt: Date | null;

  @Column('varchar', { name: 'reason', length: 100, nullable: true })
  reason: string | null;

  @Column('text', { name: 'detail', nullable: true })
  detail: string | null;
}
