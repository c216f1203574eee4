import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested, Allow } from 'class-validator';
import { IsHeaderText, Omittable } from '../../../http/index.js';
import { CreateCampaignDto, type EntryTrigger, type Goal } from '../../campaigns/index.js';
import { FlowStepDto, STEP_LIMITS, VariantInputDto, toStepInput } from '../../steps/index.js';
import { CreateTemplateDto } from '../../templates/index.js';
import { FILE_FORMAT, FILE_LIMITS, FILE_VERSION, type CampaignFile, type Fields } from '../domain/campaign-file.js';

const REF = { type: String, nullable: true } as const;
const OBJECT = { type: 'object', additionalProperties: true, nullable: true } as const;
const BY_REFS = 'As in the API, with `segmentRef` and `stepRef` in place of ids';

/** The settings of the campaign, as in `POST /api/campaigns`, with refs and names in place of ids. */
export class FileCampaignDto extends OmitType(CreateCampaignDto, ['segmentId', 'providerAccountId', 'trigger', 'goal'] as const) {
  @ApiPropertyOptional({ ...REF, example: 'pro-customers', description: 'The audience: a segment of the file.' })
  @IsOptional()
  @IsString()
  segmentRef?: string | null;

  @ApiPropertyOptional({ ...REF, example: 'Main account', description: 'By its name; one of this name must be there.' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  providerAccount?: string | null;

  @ApiPropertyOptional({ ...OBJECT, description: `${BY_REFS}.`, example: { type: 'segment_entry', segmentRef: 'pro-customers' } })
  @IsOptional()
  @IsObject()
  trigger?: EntryTrigger | null;

  @ApiPropertyOptional({ ...OBJECT, description: `${BY_REFS}.`, example: { type: 'event', name: 'order_placed' } })
  @IsOptional()
  @IsObject()
  goal?: Goal | null;
}

export class FileVariantDto extends OmitType(VariantInputDto, ['templateId'] as const) {
  @ApiPropertyOptional({ ...REF, example: 'welcome', description: 'A template of the file.' })
  @IsOptional()
  @IsString()
  templateRef?: string | null;
}

/** A step as in `PUT …/steps`. */
export class FileStepDto extends OmitType(FlowStepDto, [
  'templateId',
  'variants',
  'conditionRules',
  'splitConfig',
  'actionConfig',
] as const) {
  @ApiPropertyOptional({ ...REF, example: 'welcome', description: 'email: a template of the file, instead of emailContent.' })
  @IsOptional()
  @IsString()
  templateRef?: string | null;

  @ApiPropertyOptional({ ...OBJECT, description: `${BY_REFS}.`, example: { type: 'email_opened', stepRef: 'welcome' } })
  @IsOptional()
  @IsObject()
  conditionRules?: object | null;

  @ApiPropertyOptional({ ...OBJECT, description: `${BY_REFS}; edges as \`nextRef\` and \`elseNextRef\`.` })
  @IsOptional()
  @IsObject()
  splitConfig?: object | null;

  @ApiPropertyOptional({
    ...OBJECT,
    description: 'As in the API, with `segmentRef` in place of `segmentId`, and in place of `campaignId` the name of the `campaign`.',
    example: { type: 'add_to_segment', segmentRef: 'vip-list' },
  })
  @IsOptional()
  @IsObject()
  actionConfig?: object | null;

  @ApiPropertyOptional({ type: [FileVariantDto] })
  @Omittable()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => FileVariantDto)
  variants?: FileVariantDto[];
}

export class FileSegmentDto {
  @ApiProperty({ example: 'pro-customers' })
  @IsHeaderText(STEP_LIMITS.ref)
  ref: string;

  @ApiProperty({ enum: ['dynamic', 'static'] })
  @IsIn(['dynamic', 'static'])
  type: 'dynamic' | 'static';

  @ApiProperty({ example: 'Pro customers' })
  @IsHeaderText(255)
  name: string;

  @ApiPropertyOptional({
    ...OBJECT,
    description:
      'dynamic: as in the API, with `segmentRef` in place of `segmentId`. Left out: the segment of this name, whatever its rules are. The members of a ' +
      'static segment are not part of a file: the one of this name is taken, or an empty one is created.',
    example: { type: 'contact_attribute', attribute: 'plan', operator: 'eq', value: 'pro' },
  })
  @Allow()
  rules?: unknown;
}

export class FileTemplateDto extends CreateTemplateDto {
  @ApiProperty({ example: 'welcome' })
  @IsHeaderText(STEP_LIMITS.ref)
  ref: string;
}

/** A campaign as a file: what it says and does, without ids of the tenant. */
export class CampaignFileDto {
  @ApiProperty({ enum: [FILE_FORMAT] })
  @IsIn([FILE_FORMAT])
  format: typeof FILE_FORMAT;

  @ApiProperty({ type: 'integer', example: FILE_VERSION, description: 'The version of the format.' })
  @IsIn([FILE_VERSION])
  version: number;

  @ApiProperty({
    type: FileCampaignDto,
    example: { name: 'Spring offers', campaignType: 'drip', fromEmail: 'news@example.com', fromName: 'Example News' },
  })
  @IsObject()
  @ValidateNested()
  @Type(() => FileCampaignDto)
  campaign: FileCampaignDto;

  @ApiProperty({
    type: [FileStepDto],
    maxItems: STEP_LIMITS.steps,
    example: [
      { stepType: 'email', subjectLine: 'Welcome!', emailContent: '<p>Hello {{ contact.first_name }}</p>' },
      { stepType: 'wait', waitDuration: { value: 2, unit: 'days' } },
    ],
  })
  @IsArray()
  @ArrayMaxSize(STEP_LIMITS.steps)
  @ValidateNested({ each: true })
  @Type(() => FileStepDto)
  steps: FileStepDto[];

  @ApiPropertyOptional({ type: [FileSegmentDto], maxItems: FILE_LIMITS.segments })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(FILE_LIMITS.segments)
  @ValidateNested({ each: true })
  @Type(() => FileSegmentDto)
  segments?: FileSegmentDto[];

  @ApiPropertyOptional({ type: [FileTemplateDto], maxItems: FILE_LIMITS.templates })
  @Omittable()
  @IsArray()
  @ArrayMaxSize(FILE_LIMITS.templates)
  @ValidateNested({ each: true })
  @Type(() => FileTemplateDto)
  templates?: FileTemplateDto[];
}

/** The same in the types of the domain. */
export function toCampaignFile({ format, version, campaign, steps, segments = [], templates = [] }: CampaignFileDto): CampaignFile {
  return { format, version, campaign: { ...campaign }, steps: steps.map((step) => toStepInput(step) as Fields), segments, templates };
}
