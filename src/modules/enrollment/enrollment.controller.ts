import { Body, Controller, Delete, Get, HttpCode, Param, ParseUUIDPipe, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, PageDto } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { EnrollContactsDto, EnrollContactsResultDto, EnrollmentDto, EnrollmentListQuery } from './dto/enrollment.dto.js';
import { EnrollmentApiService } from './enrollment-api.service.js';

class EnrollmentPageDto extends PageDto(EnrollmentDto) {}

@ApiTags('enrolments')
@ApiBearerAuth()
@Controller('api/campaigns/:id/contacts')
export class EnrollmentController {
  constructor(private readonly service: EnrollmentApiService) {}

  @ApiOperation({
    summary: 'List the contacts of a campaign',
    description: 'Newest enrolment first; stable while people are being enrolled.',
  })
  @ApiOkResponse({ type: EnrollmentPageDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get()
  listEnrollments(@Ctx() ctx: TenantContext, @Param('id', ParseUUIDPipe) id: string, @Query() query: EnrollmentListQuery) {
    return this.service.list(ctx, id, query);
  }

  @ApiOperation({
    summary: 'Enrol contacts by hand',
    description: 'The campaign must be active or paused. Contacts already enrolled, unsubscribed or suppressed are skipped.',
  })
  @ApiCreatedResponse({ type: EnrollContactsResultDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @Post()
  enrollContacts(@Ctx() ctx: TenantContext, @Param('id', ParseUUIDPipe) id: string, @Body() body: EnrollContactsDto) {
    return this.service.enroll(ctx, id, body);
  }

  @ApiOperation({ summary: 'Get the enrolment of one contact' })
  @ApiOkResponse({ type: EnrollmentDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get(':contactId')
  getEnrollment(
    @Ctx() ctx: TenantContext,
    @Param('id', ParseUUIDPipe) id: string,
    @Param('contactId', ParseUUIDPipe) contactId: string,
  ): Promise<EnrollmentDto> {
    return this.service.get(ctx, id, contactId);
  }

  @ApiOperation({ summary: 'Take a contact out of the campaign', description: 'Ends the enrolment with the reason `removed`.' })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  @Can('campaigns:write')
  @HttpCode(204)
  @Delete(':contactId')
  removeEnrollment(
    @Ctx() ctx: TenantContext,
    @Param('id', ParseUUIDPipe) id: string,
    @Param('contactId', ParseUUIDPipe) contactId: string,
  ): Promise<void> {
    return this.service.remove(ctx, id, contactId);
  }

  @ApiOperation({ summary: 'Hold one contact', description: 'Nothing happens to the contact in this campaign until it is resumed.' })
  @ApiOkResponse({ type: EnrollmentDto })
  @ApiProblems(400, 404, 409)
  @Can('campaigns:write')
  @HttpCode(200)
  @Post(':contactId/pause')
  pauseEnrollment(
    @Ctx() ctx: TenantContext,
    @Param('id', ParseUUIDPipe) id: string,
    @Param('contactId', ParseUUIDPipe) contactId: string,
  ): Promise<EnrollmentDto> {
    return this.service.pause(ctx, id, contactId);
  }

  @ApiOperation({ summary: 'Let a held contact go on', description: 'What came due meanwhile is due now.' })
  @ApiOkResponse({ type: EnrollmentDto })
  @ApiProblems(400, 404, 409)
  @Can('campaigns:write')
  @HttpCode(200)
  @Post(':contactId/resume')
  resumeEnrollment(
    @Ctx() ctx: TenantContext,
    @Param('id', ParseUUIDPipe) id: string,
    @Param('contactId', ParseUUIDPipe) contactId: string,
  ): Promise<EnrollmentDto> {
    return this.service.resume(ctx, id, contactId);
  }
}
