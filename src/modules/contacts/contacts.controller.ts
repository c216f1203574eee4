import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, IfMatch, PageDto, WithEtag } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { ContactsService } from './contacts.service.js';
import { ContactDto, ContactsQuery, CreateContactDto, TagsDto, UnsubscribeContactDto, UpdateContactDto } from './dto/contact.dto.js';

@ApiTags('contacts')
@ApiBearerAuth()
@Controller('api/contacts')
export class ContactsController {
  constructor(private readonly service: ContactsService) {}

  @Can('contacts:read')
  @Get()
  @ApiOperation({ summary: 'List contacts', description: 'Newest first. Erased contacts are not listed.' })
  @ApiOkResponse({ type: PageDto(ContactDto) })
  @ApiProblems(400)
  listContacts(@Ctx() ctx: TenantContext, @Query() query: ContactsQuery): Promise<Page<ContactDto>> {
    return this.service.list(ctx, query);
  }

  @Can('contacts:write')
  @Post()
  @WithEtag()
  @ApiOperation({
    summary: 'Create a contact',
    description: 'An address that exists in any case is a conflict (409), whose `existingId` names the contact that has it.',
  })
  @ApiCreatedResponse({ type: ContactDto })
  @ApiProblems(400, 409, 415)
  createContact(@Ctx() ctx: TenantContext, @Body() body: CreateContactDto): Promise<ContactDto> {
    return this.service.create(ctx, body);
  }

  @Can('contacts:read')
  @Get(':id')
  @WithEtag()
  @ApiOperation({ summary: 'Get a contact' })
  @ApiOkResponse({ type: ContactDto })
  @ApiProblems(400, 404)
  getContact(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<ContactDto> {
    return this.service.show(ctx, id);
  }

  @Can('contacts:write')
  @Patch(':id')
  @WithEtag()
  @ApiOperation({
    summary: 'Change a contact',
    description:
      'What is left out stays. `attributes` are merged (null removes one), `tags` replace all. `subscribed: true` subscribes again, but only ' +
      'where nothing but the person’s own unsubscribing stands against it; otherwise 409.',
  })
  @ApiOkResponse({ type: ContactDto })
  @ApiProblems(400, 404, 409, 412, 415)
  updateContact(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() body: UpdateContactDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<ContactDto> {
    return this.service.update(ctx, id, body, ifMatch);
  }

  @Can('contacts:write')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Erase a contact',
    description:
      'Removes everything personal for good and takes the contact out of every campaign. Counters and the ledger of sent mail stay, without ' +
      'the person. The address alone stays on the suppression list (reason `erased`), so that an old list cannot bring the person back to being mailed.',
  })
  @ApiNoContentResponse()
  @ApiProblems(400, 404)
  eraseContact(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    return this.service.erase(ctx, id);
  }

  @Can('contacts:write')
  @Post(':id/unsubscribe')
  @HttpCode(200)
  @ApiOperation({ summary: 'Unsubscribe a contact', description: 'Idempotent: the first reason and time stay.' })
  @ApiOkResponse({ type: ContactDto })
  @ApiProblems(400, 404, 415)
  unsubscribeContact(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() body: UnsubscribeContactDto): Promise<ContactDto> {
    return this.service.unsubscribe(ctx, id, body?.reason);
  }

  @Can('contacts:write')
  @Post(':id/tags')
  @HttpCode(200)
  @ApiOperation({ summary: 'Add tags to a contact', description: 'Tags it has already are no fault.' })
  @ApiOkResponse({ type: ContactDto })
  @ApiProblems(400, 404, 415)
  addContactTags(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() body: TagsDto): Promise<ContactDto> {
    return this.service.addTags(ctx, id, body.tags);
  }

  @Can('contacts:write')
  @Delete(':id/tags/:tag')
  @ApiOperation({ summary: 'Remove a tag from a contact', description: 'A tag it does not have is no fault.' })
  @ApiParam({ name: 'tag', schema: { type: 'string' }, example: 'vip' })
  @ApiOkResponse({ type: ContactDto })
  @ApiProblems(400, 404)
  removeContactTag(@Ctx() ctx: TenantContext, @IdParam() id: string, @Param('tag') tag: string): Promise<ContactDto> {
    return this.service.removeTag(ctx, id, tag);
  }
}
