import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, IfMatch, PageDto, PageQuery, WithEtag } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { ApprovalPoliciesService } from './approval-policies.service.js';
import { ApprovalPolicyDto, CreateApprovalPolicyDto, UpdateApprovalPolicyDto } from './dto/approval-policy.dto.js';

@ApiTags('Approvals')
@ApiBearerAuth()
@Controller('api/approval-policies')
export class ApprovalPoliciesController {
  constructor(private readonly service: ApprovalPoliciesService) {}

  @Can('approvals:read')
  @Get()
  @ApiOperation({ summary: 'List approval policies', description: 'Newest first.' })
  @ApiOkResponse({ type: PageDto(ApprovalPolicyDto) })
  @ApiProblems(400)
  listApprovalPolicies(@Ctx() ctx: TenantContext, @Query() query: PageQuery): Promise<Page<ApprovalPolicyDto>> {
    return this.service.list(ctx, query);
  }

  @Can('tenant:manage')
  @Post()
  @WithEtag()
  @ApiOperation({
    summary: 'Add an approval policy',
    description: 'From now on a campaign it covers goes out only once its stages have approved. Of several policies all must be satisfied.',
  })
  @ApiCreatedResponse({ type: ApprovalPolicyDto })
  @ApiProblems(400, 409, 415)
  createApprovalPolicy(@Ctx() ctx: TenantContext, @Body() body: CreateApprovalPolicyDto): Promise<ApprovalPolicyDto> {
    return this.service.create(ctx, { campaignTypes: [], minAudience: 0, ...body });
  }

  @Can('approvals:read')
  @Get(':id')
  @WithEtag()
  @ApiOperation({ summary: 'Get an approval policy' })
  @ApiOkResponse({ type: ApprovalPolicyDto })
  @ApiProblems(400, 404)
  getApprovalPolicy(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<ApprovalPolicyDto> {
    return this.service.get(ctx, id);
  }

  @Can('tenant:manage')
  @Patch(':id')
  @WithEtag()
  @ApiOperation({
    summary: 'Change an approval policy',
    description: 'Approvals that were given count as far as they satisfy what it asks for now.',
  })
  @ApiOkResponse({ type: ApprovalPolicyDto })
  @ApiProblems(400, 404, 409, 412, 415)
  updateApprovalPolicy(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() body: UpdateApprovalPolicyDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<ApprovalPolicyDto> {
    return this.service.update(ctx, id, body, ifMatch);
  }

  @Can('tenant:manage')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an approval policy' })
  @ApiNoContentResponse()
  @ApiProblems(400, 404)
  deleteApprovalPolicy(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    return this.service.remove(ctx, id);
  }
}
