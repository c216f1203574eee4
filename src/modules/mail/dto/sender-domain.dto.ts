import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Omittable } from '../../../http/index.js';
import { RECORD_STATUSES, type RecordStatus } from '../domain/dns-check.js';
import { DMARC_POLICIES, type DmarcPolicy } from '../domain/dmarc.js';
import { DEFAULT_SELECTORS, MAX_SELECTORS, SENDER_DOMAIN_STATUSES, type SenderDomainStatus } from '../domain/sender-domain.js';

/** RFC 6376 §3.1: labels, with dots between them. */
const SELECTOR = /^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*$/;

export class CreateSenderDomainDto {
  /**
   * The part of the sender's address behind the @.
   * @example "news.example.com"
   */
  @IsString()
  @MaxLength(255)
  domain: string;

  /** The selectors your mail provider signs with; SendGrid's two if not set. */
  @ApiPropertyOptional({ type: [String], minItems: 1, maxItems: MAX_SELECTORS, default: [...DEFAULT_SELECTORS], example: ['s1', 's2'] })
  @Omittable()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_SELECTORS)
  @IsString({ each: true })
  @MaxLength(63, { each: true })
  @Matches(SELECTOR, { each: true, message: 'each value in $property must be a DKIM selector, such as s1' })
  dkimSelectors?: string[];

  /** What the SPF record must include, as your mail provider says. Not looked for if not set. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'sendgrid.net' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  spfInclude?: string | null;
}

export class RecordToPublishDto {
  @ApiProperty({ enum: ['TXT'] })
  type: 'TXT';

  /** @example "_dmarc.example.com" */
  name: string;

  /** @example "v=DMARC1; p=none" */
  value: string;
}

export class RecordFindingDto {
  @ApiProperty({ enum: ['error', 'warning', 'info'] })
  severity: 'error' | 'warning' | 'info';

  /** @example "missing" */
  code: string;

  /** @example "example.com has no DMARC record. Publish at least p=none." */
  message: string;

  @ApiPropertyOptional({ type: RecordToPublishDto, description: 'What to publish, where it can be told.' })
  publish?: RecordToPublishDto;
}

export class RecordResultDto {
  @ApiProperty({ enum: RECORD_STATUSES, description: '`unknown`: the name servers gave no answer.' })
  status: RecordStatus;

  /** The name that was asked. */
  name: string;

  @ApiProperty({ type: String, nullable: true, description: 'As published; null where there is none, or several.' })
  value: string | null;

  @ApiProperty({ type: [RecordFindingDto] })
  findings: RecordFindingDto[];
}

export class DkimResultDto extends RecordResultDto {
  /** @example "s1" */
  selector: string;
}

export class DmarcResultDto extends RecordResultDto {
  @ApiProperty({
    enum: [...DMARC_POLICIES, null],
    nullable: true,
    description: 'That counts for this domain; null without a valid record.',
  })
  policy: DmarcPolicy | null;

  @ApiProperty({ description: 'Only the very same domain counts as aligned (`adkim=s`).' })
  strictDkim: boolean;
}

export class SenderRecordsDto {
  @ApiProperty({ type: RecordResultDto })
  spf: RecordResultDto;

  @ApiProperty({ type: [DkimResultDto], description: 'One for each selector.' })
  dkim: DkimResultDto[];

  @ApiProperty({ type: DmarcResultDto })
  dmarc: DmarcResultDto;
}

export class SenderDomainDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** As DNS has it: ASCII, lower case. */
  @ApiProperty({ example: 'news.example.com' })
  domain: string;

  @ApiProperty({ type: [String], example: ['s1', 's2'] })
  dkimSelectors: readonly string[];

  @ApiProperty({ type: String, nullable: true, example: 'sendgrid.net' })
  spfInclude: string | null;

  @ApiProperty({ enum: SENDER_DOMAIN_STATUSES, description: '`verified`: SPF is in order, and so is at least one DKIM key.' })
  status: SenderDomainStatus;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  checkedAt: Date | null;

  @ApiProperty({ type: SenderRecordsDto, nullable: true, description: 'As the last check has found them.' })
  records: SenderRecordsDto | null;

  createdAt: Date;
}
