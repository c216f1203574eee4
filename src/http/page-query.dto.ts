import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { IntQuery } from './query.js';

/** What every list takes. Extend it with filters. */
export class PageQuery {
  /** Rows in a page. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @IntQuery()
  @Min(1)
  @Max(200)
  limit: number = 50;

  /** The `nextCursor` of the page before. Opaque: it may change its form at any time. */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  cursor?: string;
}
