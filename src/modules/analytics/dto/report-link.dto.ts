import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { Omittable } from '../../../http/index.js';

export class ReportLinkBody {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 8760,
    default: 168,
    description: 'How long the link works; a week if not given.',
  })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(8760)
  hours: number = 168;
}

export class ReportLinkDto {
  @ApiProperty({
    format: 'uri',
    example: 'https://mail.acme.example/campaigns/0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10/report/AZLx3nwAelWMaz9tTB6aEA',
  })
  url: string;

  @ApiProperty({ type: String, format: 'date-time' })
  expiresAt: Date;
}
