import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, PageDto } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { ApprovalsService } from './approvals.service.js';
import { ApprovalDto, MyApprovalsQuery, toApprovalDto } from './dto/approval.dto.js';

@ApiTags('Approvals')
@ApiBearerAuth()
@Controller('api/approvals')
export class MyApprovalsController {
  constructor(private readonly service: ApprovalsService) {}

  @Can('approvals:read')
  @Get()
  @ApiOperation({
    summary: 'List my approvals',
    description: 'What waits for the user of the credential (`pending`), or what they have approved or rejected. Newest first.',
  })
  @ApiOkResponse({ type: PageDto(ApprovalDto) })
  @ApiProblems(400)
  async listMyApprovals(@Ctx() ctx: TenantContext, @Query() query: MyApprovalsQuery): Promise<Page<ApprovalDto>> {
    const page = await this.service.mine(ctx, query.status ?? 'pending', query);
    return { ...page, data: page.data.map(toApprovalDto) };
  }
}
