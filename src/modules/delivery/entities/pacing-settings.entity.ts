import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { PacingSettings } from '../domain/pacing-settings.js';

/** What a tenant sets for the pace of all its campaigns; no row: nothing. */
@Entity('pacing_settings')
@ForeignKey('Tenant', ['tenantId'], ['id'], { name: 'fk_pacing_settings_tenant', onDelete: 'CASCADE' })
export class PacingSettingsRow {
  @PrimaryColumn('uuid', { name: 'tenant_id', primaryKeyConstraintName: 'pk_pacing_settings' })
  tenantId: string;

  @Column('jsonb', { name: 'settings' })
  settings: PacingSettings;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
