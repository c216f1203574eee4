import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiProblems, IdParam, IfMatch, PageDto, PageQuery, etagOf } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { RULE_MODELS } from './dto/rule.dto.js';
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
@ApiExtraModels(...RULE_MODELS)
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
  list(@Ctx() ctx: TenantContext, @Query() query: ListSegmentsQuery) {
    return this.segments.list(ctx, query);
  }

  @Can('segments:write')
  @Post()
  @ApiOperation({
    summary: 'Create a segment',
    description: 'A dynamic segment needs rules; a static one has none, and gets its members afterwards.',
  })
  @ApiCreatedResponse({ type: SegmentDto })
  @ApiProblems(400, 422)
  create(@Ctx() ctx: TenantContext, @Body() body: CreateSegmentDto) {
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
  @ApiProblems(400, 422, 503)
  preview(@Ctx() ctx: TenantContext, @Body() { rules, sampleSize }: PreviewSegmentDto) {
    return this.audience.preview(ctx, rules, sampleSize ?? 10);
  }

  @Can('segments:read')
  @Get(':id')
  @ApiOperation({ summary: 'Read a segment' })
  @ApiOkResponse({ type: SegmentDto, headers: { ETag: { schema: { type: 'string' }, description: 'For `If-Match`.' } } })
  @ApiProblems(400, 404)
  async get(@Ctx() ctx: TenantContext, @IdParam() id: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return withEtag(reply, await this.segments.read(ctx, id));
  }

  @Can('segments:write')
  @Patch(':id')
  @ApiOperation({
    summary: 'Change name or rules',
    description:
      'New rules apply at once wherever the segment is used, except to campaigns that have enrolled their audience already. The type cannot be changed.',
  })
  @ApiOkResponse({ type: SegmentDto })
  @ApiProblems(400, 404, 412, 422)
  async update(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() body: UpdateSegmentDto,
    @IfMatch() ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return withEtag(reply, await this.segments.update(ctx, id, body, ifMatch));
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
  remove(@Ctx() ctx: TenantContext, @IdParam() id: string) {
    return this.segments.remove(ctx, id);
  }

  @Can('contacts:read')
  @Get(':id/contacts')
  @ApiOperation({ summary: 'List the contacts in a segment', description: 'As of now, newest first; erased contacts are left out.' })
  @ApiOkResponse({ type: PageDto(SegmentContactDto) })
  @ApiProblems(400, 404, 422, 503)
  contacts(@Ctx() ctx: TenantContext, @IdParam() id: string, @Query() query: PageQuery) {
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
  @ApiProblems(400, 404, 409, 422)
  addMembers(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() { contactIds }: SegmentMembersDto) {
    return this.audience.addMembers(ctx, id, contactIds);
  }

  @Can('segments:write')
  @Delete(':id/members')
  @ApiOperation({ summary: 'Take contacts out of a static segment', description: 'Idempotent: who is no member stays none.' })
  @ApiOkResponse({ type: MembersRemovedDto })
  @ApiProblems(400, 404, 409, 422)
  removeMembers(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() { contactIds }: SegmentMembersDto) {
    return this.audience.removeMembers(ctx, id, contactIds);
  }
}

function withEtag<T>(reply: FastifyReply, resource: T): T {
  reply.header('etag', etagOf(resource));
  return resource;
}
