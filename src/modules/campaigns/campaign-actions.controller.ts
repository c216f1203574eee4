import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam } from '../../http/index.js';
import { Can, Ctx, RateLimited, type TenantContext } from '../identity/index.js';
import { CampaignControlService } from './campaign-control.service.js';
import { CampaignLaunchService } from './campaign-launch.service.js';
import type { Campaign } from './domain/campaign.js';
import { CampaignActionDto, LaunchDto, PausedDto, PreflightDto, PreflightQuery, ResumeDto } from './dto/campaign-actions.dto.js';
import { toCampaignDto } from './dto/campaign.dto.js';

/** What makes a campaign go, and stop. */
@ApiTags('Campaigns')
@ApiBearerAuth()
@Controller('api/campaigns/:id')
export class CampaignActionsController {
  constructor(
    private readonly launching: CampaignLaunchService,
    private readonly control: CampaignControlService,
  ) {}

  @ApiOperation({
    summary: 'Check whether a campaign can be launched',
    description:
      'Everything that stands in the way (errors), and what should be looked at (warnings). Changes nothing. With `checkLinks=true` the web addresses ' +
      'in the content are called as well: at most 50, for up to 20 seconds; one such check at a time (429).',
  })
  @ApiOkResponse({ type: PreflightDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get('preflight')
  preflightCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Query() query: PreflightQuery): Promise<PreflightDto> {
    return this.launching.preflight(ctx, id, query);
  }

  @ApiOperation({
    summary: 'Launch a campaign',
    description: 'From draft or scheduled. Answers at once; the audience is enrolled in the background (`enrollment` on the campaign).',
  })
  @ApiOkResponse({ type: CampaignActionDto })
  @ApiProblems(400, 404, 409, 422)
  @ApiBody({ type: LaunchDto, required: false })
  @Can('campaigns:launch')
  @HttpCode(200)
  @RateLimited('launches')
  @Post('launch')
  async launchCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body?: LaunchDto): Promise<CampaignActionDto> {
    return done(await this.launching.launch(ctx, id, { ...body }));
  }

  @ApiOperation({
    summary: 'Let a campaign start at its start date',
    description: 'Checked like a launch, now and again at the start date.',
  })
  @ApiOkResponse({ type: CampaignActionDto })
  @ApiProblems(400, 404, 409, 422)
  @ApiBody({ type: LaunchDto, required: false })
  @Can('campaigns:launch')
  @HttpCode(200)
  @RateLimited('launches')
  @Post('schedule')
  async scheduleCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body?: LaunchDto): Promise<CampaignActionDto> {
    return done(await this.launching.schedule(ctx, id, { ...body }));
  }

  @ApiOperation({ summary: 'Make a scheduled campaign a draft again' })
  @ApiOkResponse({ type: CampaignActionDto })
  @ApiProblems(400, 404, 409)
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post('unschedule')
  async unscheduleCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<CampaignActionDto> {
    return done(await this.launching.unschedule(ctx, id));
  }

  @ApiOperation({
    summary: 'Pause an active campaign',
    description: 'After the answer nothing new is handed to the provider; `inFlight` messages were with it already.',
  })
  @ApiOkResponse({ type: PausedDto })
  @ApiProblems(400, 404, 409)
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post('pause')
  async pauseCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<PausedDto> {
    const { campaign, inFlight } = await this.control.pause(ctx, id);
    return { ...done(campaign), inFlight };
  }

  @ApiOperation({ summary: 'Resume a paused campaign' })
  @ApiOkResponse({ type: CampaignActionDto })
  @ApiProblems(400, 404, 409)
  @ApiBody({ type: ResumeDto, required: false })
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post('resume')
  async resumeCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body?: ResumeDto): Promise<CampaignActionDto> {
    return done(await this.control.resume(ctx, id, body?.policy ?? 'catch_up'));
  }

  @ApiOperation({
    summary: 'Let nobody more into a campaign',
    description:
      'For triggered campaigns and drips that keep enrolling, which end by their end date or by hand: whoever is inside goes on to the end, then the ' +
      'campaign completes. Repeating it changes nothing.',
  })
  @ApiOkResponse({ type: CampaignActionDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post('close-enrollment')
  async closeEnrollment(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<CampaignActionDto> {
    return done(await this.control.closeEnrollment(ctx, id));
  }

  @ApiOperation({ summary: 'Cancel a campaign for good', description: 'While it is scheduled, active or paused. Nothing more is sent.' })
  @ApiOkResponse({ type: CampaignActionDto })
  @ApiProblems(400, 404, 409)
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post('cancel')
  async cancelCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<CampaignActionDto> {
    return done(await this.control.cancel(ctx, id));
  }
}

function done(campaign: Campaign): CampaignActionDto {
  return { success: true, campaign: toCampaignDto(campaign) };
}
