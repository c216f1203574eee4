import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, IfMatch, InvalidRequestError, PageDto, PageQuery, WithEtag } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import {
  CreateTemplateDto,
  ListTemplatesQuery,
  PreviewTemplateDto,
  TemplateDto,
  TemplatePreviewDto,
  TemplateSummaryDto,
  TemplateVersionDto,
  TemplateVersionSummaryDto,
  UpdateTemplateDto,
} from './dto/template.dto.js';
import { TemplatePreviewService } from './template-preview.service.js';
import { TemplatesService } from './templates.service.js';

@Controller('api/templates')
@ApiTags('templates')
@ApiBearerAuth()
export class TemplatesController {
  constructor(
    private readonly templates: TemplatesService,
    private readonly previews: TemplatePreviewService,
  ) {}

  @Can('templates:read')
  @Get()
  @ApiOperation({ summary: 'List templates', description: 'Newest first, without their content.' })
  @ApiOkResponse({ type: PageDto(TemplateSummaryDto) })
  @ApiProblems(400)
  listTemplates(@Ctx() ctx: TenantContext, @Query() query: ListTemplatesQuery): Promise<Page<TemplateSummaryDto>> {
    return this.templates.list(ctx, query);
  }

  @Can('templates:write')
  @Post()
  @WithEtag()
  @ApiOperation({
    summary: 'Create a template',
    description: 'Its content becomes version 1. Content that cannot be compiled is refused (422) with the places of its faults.',
  })
  @ApiCreatedResponse({ type: TemplateDto })
  @ApiProblems(400, 413, 415, 422, 503)
  createTemplate(@Ctx() ctx: TenantContext, @Body() body: CreateTemplateDto): Promise<TemplateDto> {
    return this.templates.create(ctx, body);
  }

  @Can('templates:read')
  @Get(':id')
  @WithEtag()
  @ApiOperation({ summary: 'Get a template', description: 'With the content of its current version.' })
  @ApiOkResponse({ type: TemplateDto })
  @ApiProblems(400, 404)
  getTemplate(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<TemplateDto> {
    return this.templates.read(ctx, id);
  }

  @Can('templates:write')
  @Patch(':id')
  @WithEtag()
  @ApiOperation({
    summary: 'Change a template',
    description: 'Other content makes a new version, which campaigns launched from then on take; launched ones keep what they had.',
  })
  @ApiOkResponse({ type: TemplateDto })
  @ApiProblems(400, 404, 409, 412, 413, 415, 422, 503)
  updateTemplate(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() body: UpdateTemplateDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<TemplateDto> {
    return this.templates.update(ctx, id, body, ifMatch);
  }

  @Can('templates:write')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a template',
    description: 'Refused (409, `usedBy` says by whom) while a campaign that is neither completed nor cancelled refers to it.',
  })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  deleteTemplate(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    return this.templates.remove(ctx, id);
  }

  @Can('templates:read')
  @Get(':id/versions')
  @ApiOperation({ summary: 'List the versions of a template', description: 'Newest first, without their content.' })
  @ApiOkResponse({ type: PageDto(TemplateVersionSummaryDto) })
  @ApiProblems(400, 404)
  listTemplateVersions(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Query() query: PageQuery,
  ): Promise<Page<TemplateVersionSummaryDto>> {
    return this.templates.listVersions(ctx, id, query);
  }

  @Can('templates:read')
  @Get(':id/versions/:version')
  @ApiOperation({ summary: 'Get a version of a template', description: 'Versions never change.' })
  @ApiParam({ name: 'version', schema: { type: 'integer', minimum: 1 } })
  @ApiOkResponse({ type: TemplateVersionDto })
  @ApiProblems(400, 404)
  getTemplateVersion(@Ctx() ctx: TenantContext, @IdParam() id: string, @Param('version') version: string): Promise<TemplateVersionDto> {
    return this.templates.readVersion(ctx, id, versionNumber(version));
  }

  @Can('templates:read')
  @Post(':id/preview')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Preview a template',
    description:
      'Renders it for a contact, for given data, or for a sample person; unsaved content can be shown too. Counts nothing. Content that cannot be ' +
      'rendered is answered with 422 and the places of its faults.',
  })
  @ApiOkResponse({ type: TemplatePreviewDto })
  @ApiProblems(400, 404, 413, 415, 422, 503)
  previewTemplate(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() body: PreviewTemplateDto): Promise<TemplatePreviewDto> {
    return this.previews.preview(ctx, id, body);
  }
}

function versionNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidRequestError([{ path: 'params.version', message: 'must be the number of a version: 1, 2, …' }]);
}
