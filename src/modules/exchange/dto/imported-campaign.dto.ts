import { ApiProperty } from '@nestjs/swagger';
import { CampaignDto, toCampaignDto } from '../../campaigns/index.js';
import type { ImportedCampaign } from '../campaign-import.service.js';

export class ImportedStepDto {
  @ApiProperty({ type: String, nullable: true, example: 'welcome', description: 'Its ref in the file.' })
  ref: string | null;

  @ApiProperty({ format: 'uuid' })
  id: string;
}

export class ImportedPartDto {
  @ApiProperty({ example: 'pro-customers', description: 'Its ref in the file.' })
  ref: string;

  @ApiProperty({ example: 'Pro customers' })
  name: string;

  @ApiProperty({
    enum: ['created', 'bound', 'unused'],
    description:
      '`bound`: the one of this name and content that was there · `unused`: nothing in the file leads to it, so it was left out.',
  })
  outcome: 'created' | 'bound' | 'unused';

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  id: string | null;
}

export class ImportedCampaignDto {
  @ApiProperty({ type: CampaignDto })
  campaign: CampaignDto;

  @ApiProperty({ type: [ImportedStepDto] })
  steps: ImportedStepDto[];

  @ApiProperty({ type: [ImportedPartDto] })
  segments: ImportedPartDto[];

  @ApiProperty({ type: [ImportedPartDto] })
  templates: ImportedPartDto[];
}

export function toImportedDto({ campaign, ...parts }: ImportedCampaign): ImportedCampaignDto {
  return { campaign: toCampaignDto(campaign), ...parts };
}
