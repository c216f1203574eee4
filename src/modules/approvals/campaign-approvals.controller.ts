import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto, PageQuery } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { ApprovalRequestsService } from './approval-requests.service.js';
import { ApprovalsService } from './approvals.service.js';
import { ApprovalDto, ApproveDto, RejectDto, RequestApprovalDto, toApprovalDto } from './dto/approval.dto.js';

/** The approvals of one campaign. */
@ApiTags('Approvals')
@ApiBearerAuth()
@Controller('api/campaigns/:id/approvals')
export class CampaignApprovalsController {
  constructor(
    private readonly service: ApprovalsService,
    private readonly requests: ApprovalRequestsService,
  ) {}

  @Can('approvals:read')
  @Get()
  @ApiOperation({ summary: 'List the approvals of a campaign', description: 'Every round with what was said in it, newest first.' })
  @ApiOkResponse({ type: PageDto(ApprovalDto) })
  @ApiProblems(400, 404)
  async listCampaignApprovals(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Query() query: PageQuery): Promise<Page<ApprovalDto>> {
    const page = await this.service.list(ctx, id, query);
    return { ...page, data: page.data.map(toApprovalDto) };
  }

  @Can('approvals:write')
  @Post()
  @ApiOperation({
    summary: 'Ask for approval of a campaign',
    description:
      'Bound to the campaign as it is now: any edit (of steps, variants, templates, the segment’s rule, sender, schedule, pacing) voids it. Who must ' +
      'approve is said by the policies, or by `stages` where none covers the campaign. Whoever made, last changed or submits it, or a template or ' +
      'segment of it, cannot approve it. The audience, the warnings and a rehearsal are kept as of now.',
  })
  @ApiCreatedResponse({ type: ApprovalDto })
  @ApiProblems(400, 403, 404, 409, 422)
  @ApiBody({ type: RequestApprovalDto, required: false })
  async requestApproval(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body?: RequestApprovalDto): Promise<ApprovalDto> {
    return toApprovalDto(await this.requests.request(ctx, id, body ?? {}));
  }

  @Can('approvals:read')
  @Get(':approvalId')
  @ApiOperation({ summary: 'Get an approval', description: 'With the audience, the warnings and the rehearsal as of the request.' })
  @ApiOkResponse({ type: ApprovalDto })
  @ApiProblems(400, 404)
  async getApproval(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('approvalId') approvalId: string): Promise<ApprovalDto> {
    return toApprovalDto(await this.service.show(ctx, id, approvalId));
  }

  @Can('approvals:decide')
  @Post(':approvalId/approve')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Approve',
    description: 'In the name of the credential’s user, in the stage that is open. 409 if the campaign has changed since it was asked for.',
  })
  @ApiOkResponse({ type: ApprovalDto })
  @ApiProblems(400, 403, 404, 409)
  @ApiBody({ type: ApproveDto, required: false })
  async approveCampaign(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('approvalId') approvalId: string,
    @Body() body?: ApproveDto,
  ): Promise<ApprovalDto> {
    return toApprovalDto(await this.service.decide(ctx, id, approvalId, { status: 'approved', comments: body?.comments }));
  }

  @Can('approvals:decide')
  @Post(':approvalId/reject')
  @HttpCode(200)
  @ApiOperation({ summary: 'Reject', description: 'Ends the round: after a change, or as it is, approval may be asked for again.' })
  @ApiOkResponse({ type: ApprovalDto })
  @ApiProblems(400, 403, 404, 409)
  async rejectCampaign(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('approvalId') approvalId: string,
    @Body() body: RejectDto,
  ): Promise<ApprovalDto> {
    return toApprovalDto(await this.service.decide(ctx, id, approvalId, { status: 'rejected', comments: body.comments }));
  }

  @Can('approvals:write')
  @Post(':approvalId/withdraw')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take a pending request back' })
  @ApiOkResponse({ type: ApprovalDto })
  @ApiProblems(400, 403, 404, 409)
  async withdrawApproval(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('approvalId') approvalId: string,
  ): Promise<ApprovalDto> {
    return toApprovalDto(await this.service.withdraw(ctx, id, approvalId));
  }
}
