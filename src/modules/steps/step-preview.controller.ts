import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam } from '../../http/index.js';
import { Can, Ctx, RateLimited, type TenantContext } from '../identity/index.js';
import { PreviewStepDto, StepPreviewDto, TestSendDto, TestSendResultDto } from './dto/step-preview.dto.js';
import { StepPreviewService } from './step-preview.service.js';

/** Looking at an email before anybody else does. */
@ApiTags('Steps')
@ApiBearerAuth()
@Controller('api/campaigns/:id/steps/:stepId')
export class StepPreviewController {
  constructor(private readonly previews: StepPreviewService) {}

  @ApiOperation({
    summary: 'Preview an email step',
    description: 'As a contact would get it, links untracked. Content that cannot be rendered answers with its problems instead.',
  })
  @ApiOkResponse({ type: StepPreviewDto })
  @ApiProblems(400, 404, 422)
  @ApiBody({ type: PreviewStepDto, required: false })
  @Can('campaigns:read')
  @HttpCode(200)
  @Post('preview')
  async previewStep(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @Body() body?: PreviewStepDto,
  ): Promise<StepPreviewDto> {
    const { rendered, problems } = await this.previews.preview(ctx, id, stepId, body);
    const { subject, html, text } = rendered ?? { subject: null, html: null, text: null };
    return { subject, html, text, problems: problems.map(({ severity, path, message, code }) => ({ severity, path, message, code })) };
  }

  @ApiOperation({
    summary: 'Send an email step to yourself',
    description: 'At once, to one to five addresses, with `[Test]` before the subject. Nothing is tracked or counted.',
  })
  @ApiOkResponse({ type: TestSendResultDto })
  @ApiProblems(400, 404, 422)
  @Can('campaigns:write')
  @HttpCode(200)
  @RateLimited('testMessages')
  @Post('test-send')
  async sendTestEmail(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @Body() body: TestSendDto,
  ): Promise<TestSendResultDto> {
    return { results: await this.previews.testSend(ctx, id, stepId, body) };
  }
}
