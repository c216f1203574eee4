import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * Hits that were committed together, of any tenants, waiting to be applied: then they are events and the row is gone. One row for all of them,
 * because whoever loads a picture waits for this commit.
 */
@Entity('hit_batches')
export class HitBatch {
  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_hit_batches' })
  id: string;

  @Column('integer', { name: 'hit_count' })
  hitCount: number;

  /** A JSON array of `TrackedHit`. */
  @Column('text', { name: 'hits' })
  hits: string;
}
