import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { BudgetScope } from '../domain/pacing-settings.js';

const PK = { primaryKeyConstraintName: 'pk_send_budgets' };

/** One token bucket: how many messages may go out at this moment, as of `refilledAt`. */
@Entity('send_budgets')
@Check('ck_send_budgets_scope', `scope IN ('campaign', 'ramp', 'account', 'domain')`)
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_send_budgets_tenant', onDelete: 'CASCADE' })
export class SendBudget {
  @PrimaryColumn('uuid', { name: 'tenant_id', ...PK })
  tenantId: string;

  @PrimaryColumn('varchar', { name: 'scope', length: 20, ...PK })
  scope: BudgetScope;

  /** The campaign's id (with the date for a ramp), the account's key, the domain. */
  @PrimaryColumn('varchar', { name: 'key', length: 320, ...PK })
  key: string;

  @Column('double precision', { name: 'tokens' })
  tokens: number;

  @Column('timestamptz', { name: 'refilled_at' })
  refilledAt: Date;

  /** Up to here messages over the budget have been given times of their own. */
  @Column('timestamptz', { name: 'spread_until', nullable: true })
  spreadUntil: Date | null;
}
