import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { ApiProblems } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { ContactEventIntake } from './contact-event-intake.js';
import { ContactEventInputDto, ContactEventListDto, ContactEventReportDto } from './dto/contact-event.dto.js';

@ApiTags('events')
@ApiBearerAuth()
@Controller('api/events')
export class ContactEventsController {
  constructor(private readonly intake: ContactEventIntake) {}

  @ApiOperation({
    summary: 'Report what contacts did',
    description: [
      'One event, a list of up to 1,000, or `{ "events": […] }`. Events start triggered campaigns, end the way of those who have reached a goal, let',
      'those go on who wait for them, and feed `event` rules. Send an `id` with each: then the same event reported twice is one event, and a call',
      'whose answer was lost can simply be repeated.',
      'In a list a bad event is left out and reported under `errors`, with its place and path; the others are recorded, all in one transaction. A',
      'single event that is bad is refused instead: 400 for its form, 422 for a contact that does not exist.',
      'Recorded is not yet acted on: campaigns follow within a second or so.',
    ].join(' '),
  })
  @ApiExtraModels(ContactEventInputDto, ContactEventListDto)
  @ApiBody({
    required: true,
    schema: {
      oneOf: [
        { $ref: getSchemaPath(ContactEventInputDto) },
        { $ref: getSchemaPath(ContactEventListDto) },
        { type: 'array', items: { $ref: getSchemaPath(ContactEventInputDto) }, maxItems: 1000 },
      ],
    },
  })
  @ApiOkResponse({ type: ContactEventReportDto })
  @ApiProblems(400, 413, 415, 422)
  @Can('events:write')
  @HttpCode(200)
  @Post()
  reportEvents(@Ctx() ctx: TenantContext, @Body() body: unknown): Promise<ContactEventReportDto> {
    return this.intake.report(ctx, body);
  }
}
