import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How far the facts of one source have been looked through, for all tenants together. */
@Entity('webhook_cursors')
export class WebhookCursor {
  @PrimaryColumn('varchar', { name: 'source', length: 20, primaryKeyConstraintName: 'pk_webhook_cursors' })
  source: string;

  @Column('timestamptz', { name: 'seen_until' })
  seenUntil: Date;
}
