import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { IsHeaderText, Omittable, PageQuery } from '../../../http/index.js';
import { WEBHOOK_EVENTS, type WebhookEventType } from '../domain/webhook-events.js';
import { DELIVERY_STATUSES, type DeliveryStatus, type DisabledReason } from '../entities/index.js';

const EVENTS = {
  enum: WEBHOOK_EVENTS,
  enumName: 'WebhookEventType',
  isArray: true,
  example: ['email.bounced', 'campaign.completed'],
} as const;

export class WebhookDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example "https://acme.example/hooks/mail" */
  @ApiProperty({ format: 'uri' })
  url: string;

  @ApiProperty({ type: String, nullable: true, example: 'CRM' })
  description: string | null;

  @ApiProperty(EVENTS)
  eventTypes: WebhookEventType[];

  /** While it is off, nothing is recorded for it, and what waits goes on waiting. */
  enabled: boolean;

  @ApiProperty({
    type: String,
    enum: ['failing', 'gone'],
    nullable: true,
    description: 'Why it was switched off by itself: every attempt of five days failed, or the receiver answered 410 Gone.',
  })
  disabledReason: DisabledReason | null;

  @ApiProperty({ type: Date, nullable: true, description: 'The first failure since the last success; null while it works.' })
  failingSince: Date | null;

  @ApiProperty({ type: Date, nullable: true, description: 'Until when the secret before the last rotation signs too.' })
  previousSecretExpiresAt: Date | null;

  createdAt: Date;

  updatedAt: Date;
}

export class IssuedWebhookDto extends WebhookDto {
  /**
   * The key of the signatures. It is shown here and never again.
   * @example "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
   */
  secret: string;
}

export class CreateWebhookDto {
  /**
   * Where to send to: https, on the public Internet, on the usual port.
   * @example "https://acme.example/hooks/mail"
   */
  @ApiProperty({ format: 'uri' })
  @IsString()
  @MaxLength(2000)
  url: string;

  @ApiProperty({ type: String, nullable: true, required: false, maxLength: 255, example: 'CRM' })
  @IsOptional()
  @IsHeaderText(255)
  description?: string | null;

  @ApiProperty({ ...EVENTS, minItems: 1, description: 'What to be told.' })
  @IsIn(WEBHOOK_EVENTS, { each: true })
  @ArrayUnique()
  @ArrayMinSize(1)
  @ArrayMaxSize(WEBHOOK_EVENTS.length)
  @IsArray()
  eventTypes: WebhookEventType[];

  @ApiPropertyOptional({ default: true })
  @Omittable()
  @IsBoolean()
  enabled?: boolean;
}

/** What is absent stays as it is. */
export class UpdateWebhookDto {
  @ApiPropertyOptional({ format: 'uri', example: 'https://acme.example/hooks/mail' })
  @Omittable()
  @IsString()
  @MaxLength(2000)
  url?: string;

  @ApiProperty({ type: String, nullable: true, required: false, maxLength: 255 })
  @IsOptional()
  @IsHeaderText(255)
  description?: string | null;

  @ApiPropertyOptional({ ...EVENTS, minItems: 1 })
  @Omittable()
  @IsIn(WEBHOOK_EVENTS, { each: true })
  @ArrayUnique()
  @ArrayMinSize(1)
  @ArrayMaxSize(WEBHOOK_EVENTS.length)
  @IsArray()
  eventTypes?: WebhookEventType[];

  /** Switching it on begins with what happens from then on, and sends what was waiting. */
  @ApiPropertyOptional()
  @Omittable()
  @IsBoolean()
  enabled?: boolean;
}

export class RotateWebhookSecretDto {
  /** How long the secret until now signs beside the new one. 0: not at all, for a secret that has leaked. */
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: 168, default: 24 })
  @Omittable()
  @IsInt()
  @Min(0)
  @Max(168)
  overlapHours?: number;
}

export class WebhookDeliveryDto {
  /** With `msg_` before it, the `webhook-id` header of every attempt. */
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: [...WEBHOOK_EVENTS, 'webhook.ping'], example: 'email.bounced' })
  eventType: string;

  /** When it happened; `timestamp` of the body. */
  occurredAt: Date;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'The member `data` of the body.',
    example: { emailId: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10', reason: 'hard_bounce' },
  })
  data: Record<string, unknown>;

  @ApiProperty({ enum: DELIVERY_STATUSES, enumName: 'WebhookDeliveryStatus' })
  status: DeliveryStatus;

  /** Made or begun. */
  @ApiProperty({ type: 'integer' })
  attempts: number;

  @ApiProperty({ type: Date, nullable: true, description: 'The next attempt; null when none will follow.' })
  nextAttemptAt: Date | null;

  @ApiProperty({ type: Date, nullable: true })
  lastAttemptAt: Date | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of the last answer; null if there was none.', example: 204 })
  statusCode: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'How long the last attempt took.' })
  durationMs: number | null;

  @ApiProperty({ type: String, nullable: true, description: 'Why there was no answer.', example: 'no answer within 10000 ms' })
  error: string | null;

  createdAt: Date;
}

export class ListWebhookDeliveriesQuery extends PageQuery {
  @ApiPropertyOptional({ enum: DELIVERY_STATUSES, enumName: 'WebhookDeliveryStatus' })
  @IsOptional()
  @IsIn(DELIVERY_STATUSES)
  status?: DeliveryStatus;
}
