import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsInt, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';
import { FrequencyCapDto, MAX_RATE_PER_MINUTE, PauseThresholdsDto, QuietHoursDto } from '../../campaigns/index.js';
import type { PacingSettings } from '../domain/pacing-settings.js';

export class DomainRateDto {
  /** The part of addresses behind the @, in small letters; `*` gives every domain that is not listed this rate for itself. */
  @ApiProperty({ example: 'gmail.com' })
  @Matches(/^(\*|[\p{Ll}\p{N}-]+(\.[\p{Ll}\p{N}-]+)+)$/u, { message: 'domain must be a domain in small letters, or *' })
  domain: string;

  /** Messages per minute. */
  @ApiProperty({ type: 'integer', example: 300 })
  @IsInt()
  @Min(1)
  @Max(MAX_RATE_PER_MINUTE)
  perMinute: number;
}

/** What is not given is not limited (pause thresholds: the defaults). */
export class PacingSettingsDto implements PacingSettings {
  /** No marketing mail at these hours, by the contact's own clock (else the campaign's). */
  @ApiPropertyOptional({ type: QuietHoursDto, nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => QuietHoursDto)
  quietHours?: QuietHoursDto | null;

  /** For campaigns that have none of their own. */
  @ApiPropertyOptional({ type: FrequencyCapDto, nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => FrequencyCapDto)
  frequencyCap?: FrequencyCapDto | null;

  /** Messages per minute by each provider account, over all campaigns. */
  @ApiPropertyOptional({ type: 'integer', nullable: true, example: 6000 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_RATE_PER_MINUTE)
  accountRatePerMinute?: number | null;

  /** Messages per minute to single domains, over all campaigns. */
  @ApiPropertyOptional({ type: [DomainRateDto], nullable: true })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @ArrayUnique(({ domain }: DomainRateDto) => domain)
  @ValidateNested({ each: true })
  @Type(() => DomainRateDto)
  domainRates?: DomainRateDto[] | null;

  /** For campaigns that set none of their own. */
  @ApiPropertyOptional({ type: PauseThresholdsDto, nullable: true })
  @IsOptional()
  @ValidateNested()
  @Type(() => PauseThresholdsDto)
  pauseThresholds?: PauseThresholdsDto | null;
}
