import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsString, Matches, Max, MaxLength, Min, ValidateIf, ValidateNested } from 'class-validator';
import { IsHeaderText, Omittable, describeKinds } from '../../../http/index.js';
import { ENCRYPTIONS, PROVIDER_KINDS, REGIONS, type Encryption, type ProviderKind, type Region } from '../domain/provider-account.js';

const HOST = /^(?=.{1,253}$)(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)$/;

export class SmtpAccountInputDto {
  /** @example "smtp.example.com" */
  @Omittable()
  @IsString()
  @Matches(HOST, { message: '$property must be the name of a host, such as smtp.example.com' })
  host?: string;

  /** 587 unless `encryption` is `tls`, then 465. One of 25, 465, 587, 2465, 2525, 2587. */
  @ApiPropertyOptional({ type: 'integer' })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(65_535)
  port?: number;

  /** `starttls` (the default) and `tls` refuse to go on without encryption. `none` takes what the server offers, and no password. */
  @Omittable()
  @IsIn(ENCRYPTIONS)
  encryption?: Encryption;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'mailer' })
  @ValidateIf((_, value) => value !== null && value !== undefined)
  @IsHeaderText(255)
  username?: string | null;

  /** Stored encrypted, never shown. Null takes it away. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'correct horse battery staple' })
  @ValidateIf((_, value) => value !== null && value !== undefined)
  @IsString()
  @MaxLength(1000)
  password?: string | null;

  /** Connections that each process keeps open; 4 if not set. */
  @ApiPropertyOptional({ type: 'integer' })
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(20)
  connections?: number;
}

export class SendGridAccountInputDto {
  /**
   * Stored encrypted, never shown.
   * @example "SG.xxxxxxxx"
   */
  @Omittable()
  @IsString()
  @Matches(/^[\x21-\x7e]{10,500}$/, { message: '$property must be an API key: 10 to 500 visible characters' })
  apiKey?: string;

  @Omittable()
  @IsIn(REGIONS)
  region?: Region;

  /** The verification key that SendGrid shows for the account's Event Webhook (ECDSA P-256, base64). Null takes it away: then no events are taken. */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 1000 })
  @ValidateIf((_, value) => value !== null && value !== undefined)
  @IsString()
  @MaxLength(1000)
  webhookPublicKey?: string | null;
}

class ProviderAccountSettingsDto {
  /** Campaigns without an account of their own send through the default one. The tenant's former default ceases to be it. */
  @Omittable()
  @IsBoolean()
  isDefault?: boolean;

  /** For `smtp`. What is left out stays. */
  @ApiPropertyOptional({ type: SmtpAccountInputDto })
  @Omittable()
  @ValidateNested()
  @Type(() => SmtpAccountInputDto)
  smtp?: SmtpAccountInputDto;

  /** For `sendgrid`. What is left out stays. */
  @ApiPropertyOptional({ type: SendGridAccountInputDto })
  @Omittable()
  @ValidateNested()
  @Type(() => SendGridAccountInputDto)
  sendgrid?: SendGridAccountInputDto;
}

export class UpdateProviderAccountDto extends ProviderAccountSettingsDto {
  /** @example "Marketing relay" */
  @Omittable()
  @IsHeaderText(255)
  name?: string;
}

const KINDS = { smtp: { fields: ['smtp'], required: ['smtp'] }, sendgrid: { fields: ['sendgrid'], required: ['sendgrid'] } };

export class CreateProviderAccountDto extends ProviderAccountSettingsDto {
  /** @example "Marketing relay" */
  @IsHeaderText(255)
  name: string;

  @IsIn(PROVIDER_KINDS)
  kind: ProviderKind;
}

describeKinds(CreateProviderAccountDto, 'kind', KINDS, (kind) =>
  kind === 'smtp' ? 'CreateSmtpProviderAccountDto' : 'CreateSendGridProviderAccountDto',
);

export class SmtpAccountDto {
  /** @example "smtp.example.com" */
  host: string;

  @ApiProperty({ type: 'integer', example: 587 })
  port: number;

  @ApiProperty({ enum: ENCRYPTIONS })
  encryption: Encryption;

  @ApiProperty({ type: String, nullable: true, example: 'mailer' })
  username: string | null;

  hasPassword: boolean;

  @ApiProperty({ type: 'integer', example: 4 })
  connections: number;
}

export class SendGridAccountDto {
  @ApiProperty({ enum: REGIONS })
  region: Region;

  hasApiKey: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'What calls of the Event Webhook are verified with; null: none are taken.' })
  webhookPublicKey: string | null;

  @ApiProperty({
    description:
      'Where the Event Webhook of the account must post to, below `PUBLIC_URL`. Without it bounces, complaints and unsubscriptions are lost.',
    example: '/webhooks/sendgrid/events/0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10.0192f1de-7c00-7a55-8c6b-3f6d4c1e9a11',
  })
  webhookPath: string;
}

export class ProviderAccountDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "Marketing relay" */
  name: string;

  @ApiProperty({ enum: PROVIDER_KINDS })
  kind: ProviderKind;

  isDefault: boolean;

  @ApiProperty({ type: SmtpAccountDto, nullable: true, description: 'Null unless `kind` is `smtp`.' })
  smtp: SmtpAccountDto | null;

  @ApiProperty({ type: SendGridAccountDto, nullable: true, description: 'Null unless `kind` is `sendgrid`.' })
  sendgrid: SendGridAccountDto | null;

  createdAt: Date;
  updatedAt: Date;
}

describeKinds(ProviderAccountDto, 'kind', KINDS, (kind) => (kind === 'smtp' ? 'SmtpProviderAccountDto' : 'SendGridProviderAccountDto'));
