import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

// For the OpenAPI document: events are checked one by one by `readEvent`, so that a bad one costs the others nothing.

export class ContactEventInputDto {
  @ApiPropertyOptional({ maxLength: 255, example: 'order-4711', description: 'Your own id of the event: the same one twice is one event.' })
  id?: string;

  @ApiProperty({ minLength: 1, maxLength: 100, example: 'order_placed' })
  name: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'Whom it happened to: either this …' })
  contactId?: string;

  @ApiPropertyOptional({ format: 'email', example: 'ada@example.com', description: '… or the address.' })
  email?: string;

  @ApiPropertyOptional({ format: 'date-time', example: '2026-03-29T09:00:00+02:00', description: 'Now, if not given.' })
  occurredAt?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { total: 129.5, currency: 'EUR' },
    description: 'At most 10,000 bytes.',
  })
  properties?: Record<string, unknown>;
}

export class ContactEventListDto {
  @ApiProperty({ type: [ContactEventInputDto], maxItems: 1000 })
  events: ContactEventInputDto[];
}

export class ContactEventErrorDto {
  @ApiProperty({ type: 'integer', example: 3, description: 'The place of the event in the request, from 0.' })
  index: number;

  @ApiProperty({ example: 'events[3].email' })
  path: string;

  @ApiProperty({ example: 'is not the address of a contact of yours' })
  message: string;

  @ApiProperty({ example: 'unknown_contact' })
  code: string;
}

export class ContactEventReportDto {
  @ApiProperty({ type: 'integer', example: 998, description: 'New events, recorded.' })
  accepted: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'Events whose `id` was recorded before; nothing happens again.' })
  duplicates: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'Events that were left out, each with its errors below.' })
  rejected: number;

  @ApiProperty({ type: [ContactEventErrorDto] })
  errors: ContactEventErrorDto[];
}
