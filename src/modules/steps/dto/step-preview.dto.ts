import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsOptional, IsUUID } from 'class-validator';
import { IsEmailAddress } from '../../../http/index.js';

export class PreviewStepDto {
  /** For whom; an invented contact if not given. */
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  @IsOptional()
  @IsUUID()
  contactId?: string;

  /** Which variant of the step; the step's own content if not given. */
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  @IsOptional()
  @IsUUID()
  variantId?: string;
}

export class TestSendDto extends PreviewStepDto {
  /** Where the test goes: one to five addresses. */
  @ApiProperty({ type: [String], example: ['me@example.com'] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(5)
  @ArrayUnique()
  @IsEmailAddress({ each: true })
  to: string[];
}

export class ContentProblemDto {
  @ApiProperty({ enum: ['error', 'warning'] })
  severity: 'error' | 'warning';

  @ApiProperty({ example: 'emailContent' })
  path: string;

  @ApiProperty({ example: 'Line 3: unknown filter "upcaes"' })
  message: string;

  @ApiPropertyOptional()
  code?: string;
}

export class StepPreviewDto {
  @ApiProperty({ type: String, nullable: true, example: 'Welcome, Ada!', description: 'Null where the content cannot be rendered.' })
  subject: string | null;

  @ApiProperty({ type: String, nullable: true })
  html: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'The plain-text alternative.' })
  text: string | null;

  @ApiProperty({ type: [ContentProblemDto] })
  problems: ContentProblemDto[];
}

export class TestSendOutcomeDto {
  @ApiProperty({ example: 'me@example.com' })
  to: string;

  @ApiProperty({ enum: ['accepted', 'failed', 'unknown'], description: '`unknown`: it may or may not have been sent.' })
  outcome: 'accepted' | 'failed' | 'unknown';

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Why, where it was not accepted.' })
  detail: string | null;
}

export class TestSendResultDto {
  @ApiProperty({ type: [TestSendOutcomeDto] })
  results: TestSendOutcomeDto[];
}
