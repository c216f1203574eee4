import { ApiProperty, OmitType } from '@nestjs/swagger';
import { CountsDto } from './report.dto.js';

export class StoredDayDto extends OmitType(CountsDto, [
  'bouncesHard',
  'bouncesSoft',
  'bouncesBlocked',
  'machineOpens',
  'machineClicks',
  'anyOpens',
  'anyClicks',
] as const) {
  @ApiProperty({ format: 'date', example: '2026-03-29', description: 'In the zone of the campaign.' })
  date: string;

  @ApiProperty({ format: 'date-time', description: 'When the row was computed: again whenever something of that day became known later.' })
  calculatedAt: Date;
}

/** What `GET /api/campaigns/:id` says of the numbers, as `analytics`. */
export class CampaignSummaryDto extends CountsDto {
  @ApiProperty({ type: StoredDayDto, nullable: true, description: 'The last day the daily aggregation has stored.' })
  latestDay: StoredDayDto | null;
}
