import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AnswersEtag, ApiProblems, IdParam, IfMatch, PageDto, WithEtag, etagOf } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { CampaignCloneService } from './campaign-clone.service.js';
import { CampaignsService } from './campaigns.service.js';
import { CampaignDetailDto, CloneDto, ListCampaignsQuery } from './dto/campaign-actions.dto.js';
import { CreateCampaignDto, UpdateCampaignDto, toSettings } from './dto/campaign-input.dto.js';
import { CampaignDto, toCampaignDto } from './dto/campaign.dto.js';

@ApiTags('Campaigns')
@ApiBearerAuth()
@Controller('api/campaigns')
export class CampaignsController {
  constructor(
    private readonly campaigns: CampaignsService,
    private readonly cloning: CampaignCloneService,
  ) {}

  @ApiOperation({ summary: 'Create a campaign', description: 'The new campaign is a draft. What is missing is asked for at launch.' })
  @ApiCreatedResponse({ type: CampaignDto })
  @ApiProblems(400, 422)
  @Can('campaigns:write')
  @Post()
  async createCampaign(@Ctx() ctx: TenantContext, @Body() body: CreateCampaignDto): Promise<CampaignDto> {
    return toCampaignDto(await this.campaigns.create(ctx, toSettings(body)));
  }

  @ApiOperation({ summary: 'List campaigns', description: 'Newest first.' })
  @ApiOkResponse({ type: PageDto(CampaignDto) })
  @ApiProblems(400)
  @Can('campaigns:read')
  @Get()
  async listCampaigns(@Ctx() ctx: TenantContext, @Query() query: ListCampaignsQuery): Promise<Page<CampaignDto>> {
    const page = await this.campaigns.list(ctx, query);
    return { ...page, data: page.data.map(toCampaignDto) };
  }

  @ApiOperation({ summary: 'Get a campaign with its steps and latest analytics', description: '`ETag` is that of the campaign.' })
  @ApiOkResponse({ type: CampaignDetailDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get(':id')
  @AnswersEtag()
  async getCampaign(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CampaignDetailDto> {
    const { campaign: found, ...parts } = await this.campaigns.detail(ctx, id);
    const campaign = toCampaignDto(found);
    void reply.header('etag', etagOf(campaign));
    return { campaign, ...parts };
  }

  @ApiOperation({ summary: 'Change a campaign', description: 'While it is a draft or scheduled. Only what is given changes.' })
  @ApiOkResponse({ type: CampaignDto })
  @ApiProblems(400, 404, 409, 412, 422)
  @Can('campaigns:write')
  @Patch(':id')
  @WithEtag()
  async updateCampaign(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @Body() body: UpdateCampaignDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<CampaignDto> {
    return toCampaignDto(await this.campaigns.update(ctx, id, toSettings(body), ifMatch));
  }

  @ApiOperation({ summary: 'Delete a draft', description: 'Its steps go with it. Cancel what was scheduled or launched.' })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  @Can('campaigns:write')
  @HttpCode(204)
  @Delete(':id')
  async deleteCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<void> {
    await this.campaigns.remove(ctx, id);
  }

  @ApiOperation({
    summary: 'Copy a campaign into a new draft',
    description: 'Settings, steps and branches; no progress, no numbers, no dates that have passed.',
  })
  @ApiCreatedResponse({ type: CampaignDto })
  @ApiProblems(400, 404)
  @ApiBody({ type: CloneDto, required: false })
  @Can('campaigns:write')
  @Post(':id/clone')
  async cloneCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body?: CloneDto): Promise<CampaignDto> {
    return toCampaignDto(await this.cloning.clone(ctx, id, body?.name));
  }
}
