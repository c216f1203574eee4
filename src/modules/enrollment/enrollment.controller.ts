import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { EnrollContactsDto, EnrollContactsResultDto, EnrollmentDto, EnrollmentListQuery } from './dto/enrollment.dto.js';
import { EnrollmentApiService } from './enrollment-api.service.js';

@ApiTags('enrolments')
@ApiBearerAuth()
@Controller('api/campaigns/:id/contacts')
export class EnrollmentController {
  constructor(private readonly service: EnrollmentApiService) {}

  @ApiOperation({
    summary: 'List the contacts of a campaign',
    description: 'Newest enrolment first; stable while people are being enrolled.',
  })
  @ApiOkResponse({ type: PageDto(EnrollmentDto) })
  @ApiProblems(400, 404)
  @Can('enrollments:read')
  @Get()
  listEnrollments(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Query() query: EnrollmentListQuery) {
    return this.service.list(ctx, id, query);
  }

  @ApiOperation({
    summary: 'Enrol contacts by hand',
    description: 'The campaign must be active or paused. Contacts already enrolled, unsubscribed or suppressed are skipped.',
  })
  @ApiCreatedResponse({ type: EnrollContactsResultDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('enrollments:write')
  @Post()
  enrollContacts(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body: EnrollContactsDto) {
    return this.service.enroll(ctx, id, body);
  }

  @ApiOperation({ summary: 'Get the enrolment of one contact' })
  @ApiOkResponse({ type: EnrollmentDto })
  @ApiProblems(400, 404)
  @Can('enrollments:read')
  @Get(':contactId')
  getEnrollment(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('contactId') contactId: string): Promise<EnrollmentDto> {
    return this.service.get(ctx, id, contactId);
  }

  @ApiOperation({ summary: 'Take a contact out of the campaign', description: 'Ends the enrolment with the reason `removed`.' })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  @Can('enrollments:write')
  @HttpCode(204)
  @Delete(':contactId')
  removeEnrollment(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('contactId') contactId: string): Promise<void> {
    return this.service.remove(ctx, id, contactId);
  }

  @ApiOperation({ summary: 'Hold one contact', description: 'Nothing happens to the contact in this campaign until it is resumed.' })
  @ApiOkResponse({ type: EnrollmentDto })
  @ApiProblems(400, 404, 409)
  @Can('enrollments:write')
  @HttpCode(200)
  @Post(':contactId/pause')
  pauseEnrollment(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('contactId') contactId: string): Promise<EnrollmentDto> {
    return this.service.pause(ctx, id, contactId);
  }

  @ApiOperation({ summary: 'Let a held contact go on', description: 'What came due meanwhile is due now.' })
  @ApiOkResponse({ type: EnrollmentDto })
  @ApiProblems(400, 404, 409)
  @Can('enrollments:write')
  @HttpCode(200)
  @Post(':contactId/resume')
  resumeEnrollment(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('contactId') contactId: string): Promise<EnrollmentDto> {
    return this.service.resume(ctx, id, contactId);
  }
}
