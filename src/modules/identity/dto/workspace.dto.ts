import { ApiProperty } from '@nestjs/swagger';
import { IsHeaderText } from '../../../http/index.js';

export class WorkspaceDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "Main" */
  name: string;

  createdAt: Date;
  updatedAt: Date;
}

export class CreateWorkspaceDto {
  /**
   * Unique in the tenant.
   * @example "Main"
   */
  @IsHeaderText(255)
  name: string;
}
