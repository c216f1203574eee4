import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsUUID, Matches } from 'class-validator';
import { InstantQuery, PageQuery } from '../../../http/index.js';

export class AuditActorDto {
  @ApiProperty({ enum: ['user', 'api_key', 'system', 'contact'] })
  type: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  id: string | null;
}

export class AuditEntryDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  at: Date;

  actor: AuditActorDto;

  /**
   * As `thing.done`; a change that has no name of its own bears the name of its route.
   * @example "campaign.launched"
   */
  action: string;

  /** @example "campaign" */
  entityType: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  entityId: string | null;

  /** What it was; null if it was not there, or if that is not kept. */
  @ApiProperty({ nullable: true, type: 'object', additionalProperties: true, example: { status: 'draft' } })
  before: unknown;

  /** What it became. */
  @ApiProperty({ nullable: true, type: 'object', additionalProperties: true, example: { status: 'active' } })
  after: unknown;

  /** The address the request came from; null for what the system did by itself. */
  @ApiProperty({ type: String, nullable: true, example: '203.0.113.7' })
  ip: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'curl/8.5.0' })
  userAgent: string | null;
}

export class ListAuditLogQuery extends PageQuery {
  /**
   * One action, or all of a thing: `campaign.launched`, `campaign.*`.
   * @example "campaign.*"
   */
  @IsOptional()
  @Matches(/^[A-Za-z_][\w ./:-]{0,98}\*?$/, {
    message: 'must be an action, such as campaign.launched, or the beginning of some: campaign.*',
  })
  action?: string;

  /** @example "campaign" */
  @IsOptional()
  @Matches(/^[a-z][a-z_]{0,49}$/, { message: 'must be a kind of thing, such as campaign' })
  entityType?: string;

  /** The thing it was done to. */
  @ApiProperty({ format: 'uuid', required: false })
  @IsOptional()
  @IsUUID()
  entityId?: string;

  /** The user or API key who did it. */
  @ApiProperty({ format: 'uuid', required: false })
  @IsOptional()
  @IsUUID()
  actorId?: string;

  /** Not before this instant. */
  @InstantQuery()
  from?: string;

  /** Before this instant. */
  @InstantQuery()
  to?: string;
}
