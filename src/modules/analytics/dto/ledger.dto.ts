import { ApiProperty } from '@nestjs/swagger';

const count = (description: string, example = 0) => ApiProperty({ type: 'integer', minimum: 0, description, example });
const reasons = (description: string, example: Record<string, number>) =>
  ApiProperty({ type: 'object', additionalProperties: { type: 'integer' }, description, example });

export class EnrollmentBalanceDto {
  @count('Enrolments, whatever their state.', 200)
  enrolled: number;

  @count('Waiting, under way or held.', 40)
  inProgress: number;

  @count('Went through to the end.', 150)
  completed: number;

  @count('Left before the end.', 10)
  exited: number;

  @count('Could not be advanced any further.')
  failed: number;

  @reasons('Of those who left, why.', { unsubscribed: 8, bounced: 2 })
  exitedByReason: Record<string, number>;

  @ApiProperty({
    description: '`enrolled` = `inProgress` + `completed` + `exited` + `failed`, and as many as the campaign says it has enrolled.',
  })
  addsUp: boolean;
}

export class EmailBalanceDto {
  @count('Messages planned: rows of the ledger, whatever their state.', 200)
  planned: number;

  @count('Waiting to be sent.', 5)
  queued: number;

  @count('With the provider at this moment.')
  sending: number;

  @count('Accepted by the provider, whatever came of it: `delivered`, `bounced` and `dropped` are among these.', 190)
  sent: number;

  @count('Of those sent: reported or proven to have arrived, and not bounced since.', 186)
  delivered: number;

  @count('Of those sent: bounced.', 3)
  bounced: number;

  @count('Of those sent: dropped by the provider.', 1)
  dropped: number;

  @count('Perhaps handed over, perhaps not.')
  unknown: number;

  @count('Could not be sent.', 1)
  failed: number;

  @count('Not sent for a reason.', 4)
  skipped: number;

  @count('Called back with the campaign.')
  cancelled: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'object', additionalProperties: { type: 'integer' } },
    description: 'For every state that has reasons, how often each.',
    example: { skipped: { suppressed: 3, unsubscribed: 1 }, bounced: { bounce_hard: 3 } },
  })
  byReason: Record<string, Record<string, number>>;

  @ApiProperty({ description: '`planned` = `queued` + `sending` + `sent` + `unknown` + `failed` + `skipped` + `cancelled`.' })
  addsUp: boolean;
}

export class CallBalanceDto {
  @count('Calls of webhook steps: one for each contact that got there, whatever its state.', 20)
  recorded: number;

  @count('To be made, or to be tried again.', 1)
  pending: number;

  @count('Taken by the receiver.', 18)
  delivered: number;

  @count('Never taken.', 1)
  failed: number;

  @count('Not made: the campaign was cancelled, or the contact erased.')
  cancelled: number;

  @ApiProperty({ description: '`recorded` = `pending` + `delivered` + `failed` + `cancelled`.' })
  addsUp: boolean;
}

export class LedgerProblemDto {
  @ApiProperty({
    enum: [
      'enrolled_differs',
      'completed_with_open',
      'parked_without_email',
      'stuck_without_due_time',
      'open_email_of_departed',
      'accepted_without_time',
      'call_missing',
    ],
  })
  code: string;

  @ApiProperty({ example: 'The campaign is completed, but 1 enrolment(s) are under way and 0 message(s) undecided.' })
  message: string;

  @count('Rows concerned.', 1)
  count: number;

  @ApiProperty({
    type: [String],
    format: 'uuid',
    description: 'At most five of the rows: enrolments, or messages where the message speaks of those.',
  })
  sampleIds: string[];
}

export class LedgerReportDto {
  @ApiProperty({ format: 'uuid' })
  campaignId: string;

  @ApiProperty({ example: 'active' })
  campaignStatus: string;

  @ApiProperty({ type: EnrollmentBalanceDto })
  enrollments: EnrollmentBalanceDto;

  @ApiProperty({ type: EmailBalanceDto })
  emails: EmailBalanceDto;

  @ApiProperty({ type: CallBalanceDto })
  calls: CallBalanceDto;

  @ApiProperty({ type: [LedgerProblemDto], description: 'What contradicts; empty when all is well.' })
  problems: LedgerProblemDto[];
}
