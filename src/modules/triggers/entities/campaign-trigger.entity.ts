import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** An event that a launched campaign listens to: it lets people in, ends their way, or is what a step waits for. Made at launch, gone at the end. */
@Entity('campaign_triggers')
@Index('idx_campaign_triggers_event', ['tenantId', 'eventName'])
@Index('idx_campaign_triggers_campaign', ['tenantId', 'campaignId'])
@Check('ck_campaign_triggers_purpose', `purpose IN ('entry', 'goal', 'wait')`)
@Check('ck_campaign_triggers_step', `(purpose = 'wait') = (step_id IS NOT NULL)`)
@ForeignKey('Campaign', ['tenantId', 'campaignId'], ['tenantId', 'id'], { name: 'fk_campaign_triggers_campaign', onDelete: 'CASCADE' })
@ForeignKey('CampaignStep', ['tenantId', 'campaignId', 'stepId'], ['tenantId', 'campaignId', 'id'], {
  name: 'fk_campaign_triggers_step',
  onDelete: 'CASCADE',
})
export class CampaignTrigger {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_campaign_triggers' })
  tenantId: string;

  @PrimaryColumn('uuid', { name: 'id', default: () => 'uuidv7()', primaryKeyConstraintName: 'pk_campaign_triggers' })
  id: string;

  @Column('uuid', { name: 'campaign_id' })
  campaignId: string;

  @Column('varchar', { name: 'purpose', length: 10 })
  purpose: 'entry' | 'goal' | 'wait';

  @Column('uuid', { name: 'step_id', nullable: true })
  stepId: string | null;

  @Column('varchar', { name: 'event_name', length: 100 })
  eventName: string;

  @Column('jsonb', { name: 'filter', nullable: true })
  filter: unknown;
}
