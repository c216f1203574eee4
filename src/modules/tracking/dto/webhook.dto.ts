import { ApiProperty } from '@nestjs/swagger';

/** The call is stored; its events are applied a moment later. */
export class WebhookStoredDto {
  @ApiProperty({ type: 'integer', description: 'How many events the call carried.', example: 137 })
  events: number;
}

export const REPLY_RESULTS = ['replied', 'auto_replied', 'repeated', 'unknown_address'] as const;
export type ReplyResult = (typeof REPLY_RESULTS)[number];

export class InboundMailDto {
  @ApiProperty({
    enum: REPLY_RESULTS,
    description:
      '`replied`: a person answered · `auto_replied`: a machine did, which counts as nothing · `repeated`: known already · ' +
      '`unknown_address`: no answer to a message of ours.',
  })
  result: ReplyResult;
}
