import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { ListStepCallsQuery, StepCallDto } from './dto/step-call.dto.js';
import { StepCalls } from './step-calls.service.js';

@ApiTags('Steps')
@ApiBearerAuth()
@Controller('api/campaigns/:id/steps/:stepId/calls')
export class StepCallsController {
  constructor(private readonly calls: StepCalls) {}

  @ApiOperation({
    summary: 'List the calls of a webhook step',
    description:
      'Newest first. Each contact that gets to the step makes one call: `{ type: "campaign.step_reached", timestamp, data: { campaign, step, enrollment, ' +
      'contact } }`, with the contact as it is when the call is made. Any answer but 2xx within 10 s is tried again for about three days with the same ' +
      '`idempotency-key`; 410 ends it. Paused campaigns make no calls, cancelled ones none any more.',
  })
  @ApiOkResponse({ type: PageDto(StepCallDto) })
  @ApiProblems(400, 404)
  @Can('enrollments:read')
  @Get()
  async listStepCalls(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @Query() query: ListStepCallsQuery,
  ): Promise<Page<StepCallDto>> {
    const page = await this.calls.list(ctx, id, stepId, query);
    return { ...page, data: page.data.map(({ dueAt, ...call }) => ({ ...call, nextAttemptAt: call.status === 'pending' ? dueAt : null })) };
  }
}
