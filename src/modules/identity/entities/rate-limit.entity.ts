import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One window of one limit for one client, counted by all processes. Says nothing of who that is: the application sees the rows of every tenant. */
@Entity('rate_limits')
export class RateLimit {
  /** Which limit, and whose: a keyed hash. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'pk_rate_limits' })
  key: Buffer;

  /** What processes have taken, used up or not; beyond the limit once it was asked for in vain. */
  @Column('integer')
  used: number;

  @Column('timestamptz', { name: 'resets_at' })
  resetsAt: Date;
}
