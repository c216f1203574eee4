import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, IfMatch, PageDto, PageQuery, WithEtag } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { CreateProviderAccountDto, ProviderAccountDto, UpdateProviderAccountDto } from './dto/provider-account.dto.js';
import { ProviderAccountsService } from './provider-accounts.service.js';

@ApiTags('senders')
@ApiBearerAuth()
@Controller('api/provider-accounts')
export class ProviderAccountsController {
  constructor(private readonly service: ProviderAccountsService) {}

  @Can('senders:read')
  @Get()
  @ApiOperation({ summary: 'List provider accounts', description: 'Newest first. Passwords and keys are never shown.' })
  @ApiOkResponse({ type: PageDto(ProviderAccountDto) })
  @ApiProblems(400)
  listProviderAccounts(@Ctx() ctx: TenantContext, @Query() query: PageQuery): Promise<Page<ProviderAccountDto>> {
    return this.service.list(ctx, query);
  }

  @Can('senders:manage')
  @Post()
  @WithEtag()
  @ApiOperation({
    summary: 'Add a provider account',
    description:
      'A mail server (`smtp`) or SendGrid (`sendgrid`) through which campaigns send. A campaign names one by `providerAccountId`; otherwise the ' +
      'default account is used, and where there is none, the provider of the installation.',
  })
  @ApiCreatedResponse({ type: ProviderAccountDto })
  @ApiProblems(400, 409, 415, 422)
  createProviderAccount(@Ctx() ctx: TenantContext, @Body() body: CreateProviderAccountDto): Promise<ProviderAccountDto> {
    return this.service.create(ctx, body);
  }

  @Can('senders:read')
  @Get(':id')
  @WithEtag()
  @ApiOperation({ summary: 'Get a provider account' })
  @ApiOkResponse({ type: ProviderAccountDto })
  @ApiProblems(400, 404)
  getProviderAccount(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<ProviderAccountDto> {
    return this.service.show(ctx, id);
  }

  @Can('senders:manage')
  @Patch(':id')
  @WithEtag()
  @ApiOperation({
    summary: 'Change a provider account',
    description:
      'What is left out stays, the password too; but with another host it must be given again. Campaigns that send go on with the new settings.',
  })
  @ApiOkResponse({ type: ProviderAccountDto })
  @ApiProblems(400, 404, 409, 412, 415)
  updateProviderAccount(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() body: UpdateProviderAccountDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<ProviderAccountDto> {
    return this.service.update(ctx, id, body, ifMatch);
  }

  @Can('senders:manage')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a provider account',
    description: 'Its secret is gone at once. While campaigns that are scheduled, active or paused name it: 409 with their `campaignIds`.',
  })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  deleteProviderAccount(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    return this.service.remove(ctx, id);
  }
}
