import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto, PageQuery, parseInstant } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can } from './access.decorators.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApiKeyDto, CreateApiKeyDto, IssuedApiKeyDto, RotateApiKeyDto } from './dto/api-key.dto.js';
import { NoIdempotency } from './idempotency/no-idempotency.decorator.js';
import { Ctx, type TenantContext } from './tenant-context.js';

const DAY_SECONDS = 86_400;

@ApiTags('identity')
@ApiBearerAuth()
@Controller('api/api-keys')
export class ApiKeysController {
  constructor(private readonly service: ApiKeysService) {}

  @Can('keys:manage')
  @Get()
  @ApiOperation({
    summary: 'List API keys',
    description: 'The newest first, revoked and expired ones included; never the keys themselves.',
  })
  @ApiOkResponse({ type: PageDto(ApiKeyDto) })
  @ApiProblems(400)
  listApiKeys(@Ctx() ctx: TenantContext, @Query() query: PageQuery): Promise<Page<ApiKeyDto>> {
    return this.service.list(ctx, query);
  }

  @Can('keys:manage')
  @Get(':id')
  @ApiOperation({ summary: 'Get an API key' })
  @ApiOkResponse({ type: ApiKeyDto })
  @ApiProblems(400, 404)
  getApiKey(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<ApiKeyDto> {
    return this.service.get(ctx, id);
  }

  @Can('keys:manage')
  @NoIdempotency()
  @Post()
  @ApiOperation({
    summary: 'Create an API key',
    description:
      'The answer is the only place where the key itself ever stands. `Idempotency-Key` has no effect here, because the answer must not be kept.',
  })
  @ApiCreatedResponse({ type: IssuedApiKeyDto })
  @ApiProblems(400, 415, 422)
  createApiKey(@Ctx() ctx: TenantContext, @Body() body: CreateApiKeyDto): Promise<IssuedApiKeyDto> {
    return this.service.create(ctx, { ...body, expiresAt: body.expiresAt ? parseInstant(body.expiresAt) : null });
  }

  @Can('keys:manage')
  @NoIdempotency()
  @Post(':id/rotate')
  @ApiOperation({
    summary: 'Replace an API key',
    description:
      'Makes a new key with the same name, roles, user and workspace. The old one works on for `overlapSeconds`, so that both work while you change ' +
      'the places it stands in. The answer is the only place where the new key ever stands; `Idempotency-Key` has no effect here.',
  })
  @ApiCreatedResponse({ type: IssuedApiKeyDto })
  @ApiProblems(400, 404, 409, 415, 422)
  rotateApiKey(@Ctx() ctx: TenantContext, @IdParam() id: string, @Body() body: RotateApiKeyDto): Promise<IssuedApiKeyDto> {
    const { overlapSeconds = DAY_SECONDS, expiresAt } = body;
    return this.service.rotate(ctx, id, {
      overlapSeconds,
      expiresAt: expiresAt ? parseInstant(expiresAt) : (expiresAt as undefined | null),
    });
  }

  @Can('keys:manage')
  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Revoke an API key',
    description: 'It stops working within five seconds (the time a process remembers a verified key), for good. Revoking it again is fine.',
  })
  @ApiNoContentResponse({ description: 'Revoked.' })
  @ApiProblems(400, 404)
  async revokeApiKey(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<void> {
    await this.service.revoke(ctx, id);
  }
}
