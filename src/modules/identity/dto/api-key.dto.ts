import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { IsHeaderText, IsInstant } from '../../../http/index.js';
import { ROLES, type Role } from '../domain/permissions.js';

export class ApiKeyDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "CRM export" */
  name: string;

  /**
   * The end of the key, to recognise it by.
   * @example "…x7Qz"
   */
  hint: string;

  @ApiProperty({ enum: ROLES, enumName: 'Role', isArray: true, example: ['campaign_manager'] })
  roles: Role[];

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  userId: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  workspaceId: string | null;

  createdAt: Date;

  /** To the minute. */
  @ApiProperty({ type: Date, nullable: true })
  lastUsedAt: Date | null;

  @ApiProperty({ type: Date, nullable: true })
  expiresAt: Date | null;

  @ApiProperty({ type: Date, nullable: true })
  revokedAt: Date | null;
}

export class IssuedApiKeyDto extends ApiKeyDto {
  /**
   * The key itself. It is shown here and never again.
   * @example "ce_AZLx3nwAelWMaz9tTB6aEAGS8d58AHpVjGs_bUwemhI_Q2xhc3NpY2FsIGV4YW1wbGUga2V5LCBub3QgYSByZWFsIG9uZQ"
   */
  key: string;
}

export class CreateApiKeyDto {
  /**
   * What the key is for.
   * @example "CRM export"
   */
  @IsHeaderText(255)
  name: string;

  /** What the key may do; no role that allows more than the key it is made with. */
  @ApiProperty({ enum: ROLES, enumName: 'Role', isArray: true, minItems: 1, example: ['campaign_manager'] })
  @IsIn(ROLES, { each: true })
  @ArrayUnique()
  @ArrayMinSize(1)
  @ArrayMaxSize(ROLES.length)
  @IsArray()
  roles: Role[];

  /** The user it acts for: it stops working when they are disabled. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, required: false })
  @IsOptional()
  @IsUUID()
  userId?: string | null;

  /** The workspace that what it creates belongs to. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, required: false })
  @IsOptional()
  @IsUUID()
  workspaceId?: string | null;

  /** When it stops working by itself; absent or null: never. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, required: false, example: '2099-12-31T00:00:00Z' })
  @IsOptional()
  @IsInstant()
  expiresAt?: string | null;
}

export class RotateApiKeyDto {
  /** How long the old key works on, in seconds: at most 30 days, 0 ends it at once. */
  @ApiProperty({ type: 'integer', minimum: 0, maximum: 2_592_000, default: 86_400, required: false })
  @IsOptional()
  @Min(0)
  @Max(2_592_000)
  @IsInt()
  overlapSeconds?: number;

  /** When the new key stops working by itself; null: never; absent: after as long as the old one was made for. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, required: false, example: '2099-12-31T00:00:00Z' })
  @IsOptional()
  @IsInstant()
  expiresAt?: string | null;
}
