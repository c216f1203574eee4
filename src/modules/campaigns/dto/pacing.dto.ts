import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsInt, IsNumber, Matches, Max, Min } from 'class-validator';
import { Omittable } from '../../../http/index.js';
import type { FrequencyCap, PauseThresholds, RampDay, SendWindow } from '../domain/pacing.js';

export class RampDayDto implements RampDay {
  /** Days since the launch; 1 is the day of the launch. */
  @ApiProperty({ type: 'integer', example: 1 })
  @IsInt()
  @Min(1)
  @Max(1_000)
  day: number;

  /** Either this … */
  @ApiPropertyOptional({ type: 'integer', example: 500 })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  messages?: number;

  /** … or this part of the audience. */
  @ApiPropertyOptional({ type: Number, example: 5 })
  @Omittable()
  @IsNumber()
  @Min(0.01)
  @Max(100)
  percent?: number;
}

export class FrequencyCapDto implements FrequencyCap {
  @ApiProperty({ type: 'integer', example: 3 })
  @IsInt()
  @Min(1)
  @Max(1_000)
  messages: number;

  /** Any span of so many times 24 hours. */
  @ApiProperty({ type: 'integer', example: 7 })
  @IsInt()
  @Min(1)
  @Max(365)
  perDays: number;

  /** `defer` (if not set): the message waits until there is room · `skip`: it is left out, with the reason `frequency_cap`. */
  @Omittable()
  @IsIn(['defer', 'skip'])
  policy?: 'defer' | 'skip';
}

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const TIME_OR_END = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

export class SendWindowDto implements SendWindow {
  @ApiProperty({ example: '09:00' })
  @Matches(TIME, { message: 'from must be a time such as 09:00' })
  from: string;

  /** Not included; `24:00` is the end of the day. */
  @ApiProperty({ example: '18:00' })
  @Matches(TIME_OR_END, { message: 'to must be a time such as 18:00, at most 24:00' })
  to: string;

  /** 1 (Monday) to 7 (Sunday); every day if not set. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'integer' }, example: [1, 2, 3, 4, 5] })
  @Omittable()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(7)
  @ArrayUnique()
  @IsInt({ each: true })
  @Min(1, { each: true })
  @Max(7, { each: true })
  weekdays?: number[];
}

export class QuietHoursDto {
  @ApiProperty({ example: '21:00' })
  @Matches(TIME, { message: 'from must be a time such as 21:00' })
  from: string;

  /** Not included. Before `from`: on the next morning. */
  @ApiProperty({ example: '08:00' })
  @Matches(TIME, { message: 'to must be a time such as 08:00' })
  to: string;
}

export class PauseThresholdsDto implements PauseThresholds {
  /** Percent of what was sent; 5 if not set. */
  @ApiPropertyOptional({ type: Number, example: 5 })
  @Omittable()
  @IsNumber()
  @Min(0.01)
  @Max(100)
  bouncePercent?: number;

  /** Sent messages before bounces are looked at; 100 if not set. */
  @ApiPropertyOptional({ type: 'integer', example: 100 })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  bounceMinSent?: number;

  /** Percent of what was sent; 0.3 if not set. */
  @ApiPropertyOptional({ type: Number, example: 0.3 })
  @Omittable()
  @IsNumber()
  @Min(0.001)
  @Max(100)
  complaintPercent?: number;

  /** Sent messages before complaints are looked at; 500 if not set. */
  @ApiPropertyOptional({ type: 'integer', example: 500 })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  complaintMinSent?: number;
}
