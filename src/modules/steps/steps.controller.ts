import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, IfMatch, PageDto, WithEtag } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import type { CampaignStep } from './domain/step.js';
import { CreateStepDto, ReorderDto, SaveFlowDto, UpdateStepDto, toStepInput } from './dto/step-input.dto.js';
import { SavedFlowDto, StepDto, toStepDto } from './dto/step.dto.js';
import { FlowService } from './flow.service.js';
import { StepsService } from './steps.service.js';

/** The flow of a campaign. Changes are possible while the campaign is a draft or scheduled. */
@ApiTags('Steps')
@ApiBearerAuth()
@Controller('api/campaigns/:id/steps')
export class StepsController {
  constructor(
    private readonly steps: StepsService,
    private readonly flow: FlowService,
  ) {}

  @ApiOperation({ summary: 'List the steps of a campaign', description: 'In order; always on one page.' })
  @ApiOkResponse({ type: PageDto(StepDto) })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get()
  async listSteps(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<Page<StepDto>> {
    return whole(await this.steps.list(ctx, id));
  }

  @ApiOperation({
    summary: 'Add a step',
    description:
      'An email needs `templateId`, or `subjectLine` and `emailContent`; a wait `waitDuration`, `waitUntil` or both; a condition `conditionRules` or `splitConfig`; an action ' +
      '`actionConfig`. Without `nextStepId` the next in order follows; a missing branch of a condition ends the flow.',
  })
  @ApiCreatedResponse({ type: StepDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @Post()
  async createStep(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body: CreateStepDto): Promise<StepDto> {
    return toStepDto(await this.steps.create(ctx, id, toStepInput(body)));
  }

  @ApiOperation({
    summary: 'Save the whole flow',
    description:
      'Replaces all steps in one go. Edges name other steps of the call by `ref`: null ends the flow, absent is the next in the list.',
  })
  @ApiOkResponse({ type: SavedFlowDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @Put()
  async replaceSteps(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body: SaveFlowDto): Promise<SavedFlowDto> {
    const saved = await this.flow.replace(ctx, id, body.steps.map(toStepInput));
    return { steps: saved.map(({ ref, ...step }) => ({ ref, ...toStepDto(step) })) };
  }

  @ApiOperation({ summary: 'Put the steps in another order', description: 'Explicit edges stay as they are.' })
  @ApiOkResponse({ type: PageDto(StepDto) })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @Put('order')
  async reorderSteps(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body: ReorderDto): Promise<Page<StepDto>> {
    return whole(await this.steps.reorder(ctx, id, body.stepIds));
  }

  @ApiOperation({ summary: 'Get a step' })
  @ApiOkResponse({ type: StepDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get(':stepId')
  @WithEtag()
  async getStep(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('stepId') stepId: string): Promise<StepDto> {
    return toStepDto(await this.steps.get(ctx, id, stepId));
  }

  @ApiOperation({ summary: 'Change a step', description: 'Only what is given changes.' })
  @ApiOkResponse({ type: StepDto })
  @ApiProblems(400, 404, 409, 412, 422)
  @Can('campaigns:write')
  @Patch(':stepId')
  @WithEtag()
  async updateStep(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @Body() body: UpdateStepDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<StepDto> {
    return toStepDto(await this.steps.update(ctx, id, stepId, toStepInput(body), ifMatch));
  }

  @ApiOperation({
    summary: 'Delete a step',
    description: 'What ran into it runs on into the next. Steps that refer to it by id are named (422).',
  })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @HttpCode(204)
  @Delete(':stepId')
  async deleteStep(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('stepId') stepId: string): Promise<void> {
    await this.steps.remove(ctx, id, stepId);
  }
}

function whole(steps: CampaignStep[]): Page<StepDto> {
  return { data: steps.map(toStepDto), nextCursor: null };
}
