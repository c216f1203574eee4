import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { IsEmailAddress, IsHeaderText, Omittable } from '../../../http/index.js';
import { ROLES, type Role } from '../domain/permissions.js';

export class UserDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "ada@example.com" */
  @ApiProperty({ format: 'email' })
  email: string;

  /** @example "Ada" */
  name: string;

  @ApiProperty({ enum: ROLES, enumName: 'Role', example: 'campaign_manager' })
  role: Role;

  /** Since when this user may not work here any more; null if they may. */
  @ApiProperty({ type: Date, nullable: true })
  disabledAt: Date | null;

  createdAt: Date;
  updatedAt: Date;
}

export class CreateUserDto {
  /**
   * Unique in the tenant, whatever its case; kept in lower case.
   * @example "ada@example.com"
   */
  @ApiProperty({ format: 'email' })
  @IsEmailAddress()
  email: string;

  /** @example "Ada" */
  @IsHeaderText(255)
  name: string;

  @ApiProperty({ enum: ROLES, enumName: 'Role', example: 'campaign_manager' })
  @IsIn(ROLES)
  role: Role;
}

export class UpdateUserDto {
  /** @example "Ada" */
  @Omittable()
  @IsHeaderText(255)
  name?: string;

  @ApiProperty({ enum: ROLES, enumName: 'Role', required: false, example: 'analyst' })
  @Omittable()
  @IsIn(ROLES)
  role?: Role;

  /** True takes all access away (keys of this user included), false gives it back. */
  @Omittable()
  @IsBoolean()
  disabled?: boolean;
}
