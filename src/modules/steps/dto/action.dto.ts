import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { namedUnion } from '../../../http/index.js';

// These classes exist for the OpenAPI document alone: actions are checked by `actionProblems`, whose faults name paths.

export class SetAttributeAction {
  @ApiProperty({ enum: ['set_attribute'] })
  type: 'set_attribute';

  @ApiProperty({ example: 'plan', description: 'A custom attribute, or `firstName`, `lastName`, `timezone`.' })
  attribute: string;

  @ApiProperty({
    oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }],
    nullable: true,
    example: 'pro',
    description: 'Null takes the attribute away.',
  })
  value: string | number | boolean | null;
}

export class TagAction {
  @ApiProperty({ enum: ['add_tag', 'remove_tag'] })
  type: 'add_tag' | 'remove_tag';

  @ApiProperty({ example: 'vip' })
  tag: string;
}

export class AdjustLeadScoreAction {
  @ApiProperty({ enum: ['adjust_lead_score'] })
  type: 'adjust_lead_score';

  @ApiProperty({ type: 'integer', example: 10 })
  by: number;
}

export class SegmentAction {
  @ApiProperty({ enum: ['add_to_segment', 'remove_from_segment'] })
  type: 'add_to_segment' | 'remove_from_segment';

  @ApiProperty({ format: 'uuid', description: 'A static segment of yours.' })
  segmentId: string;
}

/** Ends the way of the contact through the campaign. */
export class ExitAction {
  @ApiProperty({ enum: ['exit'] })
  type: 'exit';

  @ApiPropertyOptional({ example: 'bought' })
  reason?: string;
}

/** Enrols the contact in another campaign, by the rules of that campaign for re-entry. This one goes on either way. */
export class EnrollAction {
  @ApiProperty({ enum: ['enroll'] })
  type: 'enroll';

  @ApiProperty({
    format: 'uuid',
    description: 'Another campaign of yours; it must be launched when a contact gets here, or the action is skipped.',
  })
  campaignId: string;
}

/** Posts to a program of yours that a contact got here. The contact goes on at once, whatever becomes of the call. */
export class WebhookAction {
  @ApiProperty({ enum: ['webhook'] })
  type: 'webhook';

  @ApiProperty({ format: 'uri', maxLength: 2000, example: 'https://acme.example/hooks/reached' })
  url: string;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    description:
      'Signs the calls by Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. Never shown again; if it is absent, the one kept for the same address stays, and null takes it away.',
  })
  secret?: string | null;

  @ApiPropertyOptional({ description: 'As an answer said it. False without a `secret` takes the kept one away.' })
  hasSecret?: boolean;
}

export class ShownWebhookAction {
  @ApiProperty({ enum: ['webhook'] })
  type: 'webhook';

  @ApiProperty({ format: 'uri', example: 'https://acme.example/hooks/reached' })
  url: string;

  @ApiProperty({ description: 'Whether calls are signed.' })
  hasSecret: boolean;
}

/** What a step of type `wait_for` waits for. */
export class WaitEventDto {
  @ApiProperty({ minLength: 1, maxLength: 100, example: 'order_placed' })
  name: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: { property: 'total', operator: 'gte', value: 100 },
    description: 'What the event must carry: as in the trigger of a campaign.',
  })
  filter?: unknown;
}

const PLAIN_ACTIONS = [SetAttributeAction, TagAction, AdjustLeadScoreAction, SegmentAction, ExitAction, EnrollAction];
/** The OpenAPI schema of `actionConfig` in requests. */
export const NULLABLE_ACTION_SCHEMA = { ...namedUnion('Action', [...PLAIN_ACTIONS, WebhookAction], 'type'), nullable: true };
/** As answers show it: without secrets. */
export const NULLABLE_SHOWN_ACTION_SCHEMA = {
  ...namedUnion('ShownAction', [...PLAIN_ACTIONS, ShownWebhookAction], 'type'),
  nullable: true,
};
