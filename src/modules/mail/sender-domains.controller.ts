import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto, PageQuery } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { CreateSenderDomainDto, SenderDomainDto } from './dto/sender-domain.dto.js';
import { SenderDomainsService } from './sender-domains.service.js';

@ApiTags('senders')
@ApiBearerAuth()
@Controller('api/sender-domains')
export class SenderDomainsController {
  constructor(private readonly service: SenderDomainsService) {}

  @Can('senders:read')
  @Get()
  @ApiOperation({ summary: 'List sender domains', description: 'Newest first, each with what its last check has found.' })
  @ApiOkResponse({ type: PageDto(SenderDomainDto) })
  @ApiProblems(400)
  listSenderDomains(@Ctx() ctx: TenantContext, @Query() query: PageQuery): Promise<Page<SenderDomainDto>> {
    return this.service.list(ctx, query);
  }

  @Can('senders:manage')
  @Post()
  @ApiOperation({
    summary: 'Add a sender domain',
    description:
      'Looks up SPF, DKIM and DMARC at once (up to ten seconds) and answers what is wrong and what to publish. The preflight of campaigns warns of ' +
      'senders that are not aligned with a verified domain; nothing is held back for it.',
  })
  @ApiCreatedResponse({ type: SenderDomainDto })
  @ApiProblems(400, 409, 415, 422)
  createSenderDomain(@Ctx() ctx: TenantContext, @Body() body: CreateSenderDomainDto): Promise<SenderDomainDto> {
    return this.service.register(ctx, body);
  }

  @Can('senders:read')
  @Get(':id')
  @ApiOperation({ summary: 'Get a sender domain' })
  @ApiOkResponse({ type: SenderDomainDto })
  @ApiProblems(400, 404)
  getSenderDomain(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<SenderDomainDto> {
    return this.service.show(ctx, id);
  }

  @Can('senders:manage')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a sender domain', description: 'Campaigns go on sending; their preflight no longer knows the domain.' })
  @ApiNoContentResponse()
  @ApiProblems(400, 404)
  deleteSenderDomain(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    return this.service.remove(ctx, id);
  }

  @Can('senders:manage')
  @Post(':id/check')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Check a sender domain',
    description: 'Looks SPF, DKIM and DMARC up again (up to ten seconds) and keeps what it finds.',
  })
  @ApiOkResponse({ type: SenderDomainDto })
  @ApiProblems(400, 404)
  checkSenderDomain(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<SenderDomainDto> {
    return this.service.check(ctx, id);
  }
}
