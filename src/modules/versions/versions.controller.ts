import { Body, Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { PublishDto, SaveVersionDto, toDraftedStep } from './dto/version-input.dto.js';
import {
  PublishedDto,
  VersionDetailDto,
  VersionDiffDto,
  VersionDto,
  VersionImpactDto,
  toDiffDto,
  toImpactDto,
  toPublishedDto,
  toVersionDetailDto,
  toVersionDto,
} from './dto/version.dto.js';
import { PublishService } from './publish.service.js';
import { VersionParam } from './version-param.js';
import { VersionsService } from './versions.service.js';

/** Editing a campaign that is under way: its steps never change, another version takes their place. */
@ApiTags('Versions')
@ApiBearerAuth()
@Controller('api/campaigns/:id/versions')
export class VersionsController {
  constructor(
    private readonly versions: VersionsService,
    private readonly publishing: PublishService,
  ) {}

  @ApiOperation({
    summary: 'List the versions of a campaign',
    description: 'Newest first, always on one page. They begin with the launch.',
  })
  @ApiOkResponse({ type: PageDto(VersionDto) })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get()
  async listVersions(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<Page<VersionDto>> {
    return { data: (await this.versions.list(ctx, id)).map(toVersionDto), nextCursor: null };
  }

  @ApiOperation({
    summary: 'Begin another version',
    description:
      'A draft with the steps of the live version. One at a time, while the campaign is active or paused; it changes nothing until it is published.',
  })
  @ApiCreatedResponse({ type: VersionDetailDto })
  @ApiProblems(400, 404, 409)
  @Can('campaigns:write')
  @Post()
  async createVersion(@Ctx() ctx: TenantContext, @IdParam('id') id: string): Promise<VersionDetailDto> {
    return toVersionDetailDto(await this.versions.createDraft(ctx, id));
  }

  @ApiOperation({
    summary: 'Get a version',
    description: 'Its steps, what it changes against the live version, and whom it would concern.',
  })
  @ApiOkResponse({ type: VersionDetailDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get(':version')
  async getVersion(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @VersionParam() version: number): Promise<VersionDetailDto> {
    return toVersionDetailDto(await this.versions.get(ctx, id, version));
  }

  @ApiOperation({
    summary: 'Save the steps of a draft',
    description:
      'The whole flow, as in `PUT …/steps`. `continues` says which former step a step goes on with, so that nobody gets it twice.',
  })
  @ApiOkResponse({ type: VersionDetailDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @Put(':version/steps')
  async replaceVersionSteps(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @VersionParam() version: number,
    @Body() body: SaveVersionDto,
  ): Promise<VersionDetailDto> {
    return toVersionDetailDto(await this.versions.saveSteps(ctx, id, version, body.steps.map(toDraftedStep)));
  }

  @ApiOperation({ summary: 'Discard a draft' })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  @Can('campaigns:write')
  @HttpCode(204)
  @Delete(':version')
  async discardVersion(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @VersionParam() version: number): Promise<void> {
    await this.versions.discard(ctx, id, version);
  }

  @ApiOperation({ summary: 'What a version changes', description: 'Against the live version; of that, against the one before.' })
  @ApiOkResponse({ type: VersionDiffDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get(':version/diff')
  async getVersionDiff(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @VersionParam() version: number): Promise<VersionDiffDto> {
    return toDiffDto(await this.versions.diff(ctx, id, version));
  }

  @ApiOperation({
    summary: 'Whom a version would concern',
    description: 'How many contacts are at each step, and whether the version has that step. Counted at this moment.',
  })
  @ApiOkResponse({ type: VersionImpactDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get(':version/impact')
  async getVersionImpact(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @VersionParam() version: number): Promise<VersionImpactDto> {
    return toImpactDto(version, (await this.versions.impact(ctx, id, version)).places);
  }

  @ApiOperation({
    summary: 'Publish a draft',
    description:
      'Checked like a launch. All at once or not at all: the version is live, and with `move_everyone` everybody inside is at its steps. A wait that stays as it ' +
      'is ends when it would have; one that changes counts from its beginning, and is over at once where that has passed. Nobody gets a message again whose step ' +
      'goes on; what is queued goes out with the new content. 422 names the steps whose contacts need a place.',
  })
  @ApiOkResponse({ type: PublishedDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post(':version/publish')
  async publishVersion(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @VersionParam() version: number,
    @Body() { policy, placements = {} }: PublishDto,
  ): Promise<PublishedDto> {
    return toPublishedDto(await this.publishing.publish(ctx, id, version, { policy, placements }));
  }

  @ApiOperation({
    summary: 'Go back to the version before',
    description: 'From the live version to the one it is based on, with the content that had. By the same rules as publishing.',
  })
  @ApiOkResponse({ type: PublishedDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post(':version/rollback')
  async rollBackVersion(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @VersionParam() version: number,
    @Body() { policy, placements = {} }: PublishDto,
  ): Promise<PublishedDto> {
    return toPublishedDto(await this.publishing.rollback(ctx, id, version, { policy, placements }));
  }
}
