import { ApiProperty } from '@nestjs/swagger';
import { PERMISSIONS, type Permission, ROLES, type Role } from '../domain/permissions.js';

export class ActorDto {
  type: 'user' | 'api_key' | 'system';

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  id: string | null;
}

/** Who the credential of this request belongs to, and what it allows. */
export class MeDto {
  @ApiProperty({ format: 'uuid' })
  tenantId: string;

  /** @example "Example Ltd" */
  tenantName: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  workspaceId: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  userId: string | null;

  actor: ActorDto;

  @ApiProperty({ enum: ROLES, enumName: 'Role', isArray: true, example: ['campaign_manager'] })
  roles: Role[];

  @ApiProperty({ enum: PERMISSIONS, enumName: 'Permission', isArray: true })
  permissions: Permission[];
}
