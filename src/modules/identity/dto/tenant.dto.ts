import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsString, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { IsHeaderText, IsNotBlank, IsTimeZone, Omittable } from '../../../http/index.js';

export class TenantDto {
  /** @example "0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10" */
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "Example Ltd" */
  name: string;

  /**
   * The zone of reports, and of contacts and campaigns that have none.
   * @example "Europe/Berlin"
   */
  timezone: string;

  /**
   * Stands in the footer of commercial mail; launching asks for it.
   * @example "Example Ltd, 1 High Street, Anytown"
   */
  @ApiProperty({ type: String, nullable: true })
  postalAddress: string | null;

  /** After so many soft bounces in a row, with nothing delivered between them, an address gets no more mail. */
  @ApiProperty({ type: 'integer', example: 5 })
  softBounceLimit: number;

  createdAt: Date;
  updatedAt: Date;
}

export class UpdateTenantDto {
  /** @example "Example Ltd" */
  @Omittable()
  @IsHeaderText(255)
  name?: string;

  /** @example "Europe/Berlin" */
  @Omittable()
  @IsTimeZone()
  timezone?: string;

  /**
   * Null removes it.
   * @example "Example Ltd, 1 High Street, Anytown"
   */
  @ApiProperty({ type: String, nullable: true, required: false })
  @ValidateIf((_, value) => value !== null && value !== undefined)
  @IsString()
  @MaxLength(1000)
  @IsNotBlank()
  postalAddress?: string | null;

  @ApiPropertyOptional({ type: 'integer' })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(100)
  softBounceLimit?: number;
}
