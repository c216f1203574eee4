import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, IfMatch, PageDto, PageQuery, WithEtag } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import {
  CreateSegmentDto,
  ListSegmentsQuery,
  MembersAddedDto,
  MembersRemovedDto,
  PreviewSegmentDto,
  SegmentContactDto,
  SegmentDto,
  SegmentMembersDto,
  SegmentPreviewDto,
  UpdateSegmentDto,
} from './dto/segment.dto.js';
import { SegmentAudienceService } from './segment-audience.service.js';
import { SegmentsService } from './segments.service.js';

@Controller('api/segments')
@ApiTags('segments')
@ApiBearerAuth()
export class SegmentsController {
  constructor(
    private readonly segments: SegmentsService,
    private readonly audience: SegmentAudienceService,
  ) {}

  @Can('segments:read')
  @Get()
  @ApiOperation({ summary: 'List segments', description: 'Newest first.' })
  @ApiOkResponse({ type: PageDto(SegmentDto) })
  @ApiProblems(400)
  listSegments(@Ctx() ctx: TenantContext, @Query() query: ListSegmentsQuery): Promise<Page<SegmentDto>> {
    return this.segments.list(ctx, query);
  }

  @Can('segments:write')
  @Post()
  @WithEtag()
  @ApiOperation({
    summary: 'Create a segment',
    description: 'A dynamic segment needs rules; a static one has none, and gets its members afterwards.',
  })
  @ApiCreatedResponse({ type: SegmentDto })
  @ApiProblems(400, 415, 422)
  createSegment(@Ctx() ctx: TenantContext, @Body() body: CreateSegmentDto): Promise<SegmentDto> {
    return this.segments.create(ctx, body);
  }

  // Shows contacts, so reading segments is not enough.
  @Can('contacts:read')
  @Post('preview')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Count the contacts that rules match',
    description: 'For rules that need not be saved. Gives the count and a sample.',
  })
  @ApiOkResponse({ type: SegmentPreviewDto })
  @ApiProblems(400, 415, 422, 503)
  previewSegment(@Ctx() ctx: TenantContext, @Body() { rules, sampleSize }: PreviewSegmentDto): Promise<SegmentPreviewDto> {
    return this.audience.preview(ctx, rules, sampleSize ?? 10);
  }

  @Can('segments:read')
  @Get(':id')
  @WithEtag()
  @ApiOperation({ summary: 'Read a segment' })
  @ApiOkResponse({ type: SegmentDto })
  @ApiProblems(400, 404)
  getSegment(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<SegmentDto> {
    return this.segments.read(ctx, id);
  }

  @Can('segments:write')
  @Patch(':id')
  @WithEtag()
  @ApiOperation({
    summary: 'Change name or rules',
    description:
      'New rules apply at once wherever the segment is used, except to campaigns that have enrolled their audience already. Refused (409) while an ' +
      'approved campaign is taking people in by them: pause it first. The type cannot be changed.',
  })
  @ApiOkResponse({ type: SegmentDto })
  @ApiProblems(400, 404, 409, 412, 415, 422)
  updateSegment(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() body: UpdateSegmentDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<SegmentDto> {
    return this.segments.update(ctx, id, body, ifMatch);
  }

  @Can('segments:write')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a segment',
    description: 'Refused (409, `usedBy` says by whom) while a campaign, a condition or another segment refers to it.',
  })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  deleteSegment(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    return this.segments.remove(ctx, id);
  }

  @Can('contacts:read')
  @Get(':id/contacts')
  @ApiOperation({ summary: 'List the contacts in a segment', description: 'As of now, newest first; erased contacts are left out.' })
  @ApiOkResponse({ type: PageDto(SegmentContactDto) })
  @ApiProblems(400, 404, 422, 503)
  listSegmentContacts(@Ctx() ctx: TenantContext, @IdParam() id: string, @Query() query: PageQuery): Promise<Page<SegmentContactDto>> {
    return this.audience.contacts(ctx, id, query);
  }

  @Can('segments:write')
  @Post(':id/members')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Add contacts to a static segment',
    description: 'Idempotent. If one id names no contact of yours, nobody is added.',
  })
  @ApiOkResponse({ type: MembersAddedDto })
  @ApiProblems(400, 404, 409, 415, 422)
  addSegmentMembers(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() { contactIds }: SegmentMembersDto): Promise<MembersAddedDto> {
    return this.audience.addMembers(ctx, id, contactIds);
  }

  @Can('segments:write')
  @Delete(':id/members')
  @ApiOperation({ summary: 'Take contacts out of a static segment', description: 'Idempotent: who is no member stays none.' })
  @ApiOkResponse({ type: MembersRemovedDto })
  @ApiProblems(400, 404, 409, 415, 422)
  removeSegmentMembers(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() { contactIds }: SegmentMembersDto,
  ): Promise<MembersRemovedDto> {
    return this.audience.removeMembers(ctx, id, contactIds);
  }
}
