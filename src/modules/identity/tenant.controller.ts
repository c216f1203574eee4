import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IfMatch, WithEtag } from '../../http/index.js';
import { Can } from './access.decorators.js';
import { permissionsOf } from './domain/permissions.js';
import { MeDto } from './dto/me.dto.js';
import { TenantDto, UpdateTenantDto } from './dto/tenant.dto.js';
import { Ctx, type TenantContext } from './tenant-context.js';
import { TenantsService } from './tenants.service.js';

@ApiTags('identity')
@ApiBearerAuth()
@Controller('api')
export class TenantController {
  constructor(private readonly service: TenantsService) {}

  @Can('self:read')
  @Get('me')
  @ApiOperation({ summary: 'Who am I?', description: 'The tenant, user and permissions behind the credential of this request.' })
  @ApiOkResponse({ type: MeDto })
  async getMe(@Ctx() ctx: TenantContext): Promise<MeDto> {
    const { tenantId, workspaceId, userId, actor, roles } = ctx;
    const { name } = await this.service.read(ctx);
    return { tenantId, tenantName: name, workspaceId, userId, actor, roles, permissions: permissionsOf(roles) };
  }

  @Can('tenant:read')
  @Get('tenant')
  @WithEtag()
  @ApiOperation({ summary: 'Get the tenant' })
  @ApiOkResponse({ type: TenantDto })
  getTenant(@Ctx() ctx: TenantContext): Promise<TenantDto> {
    return this.service.read(ctx);
  }

  @Can('tenant:manage')
  @Patch('tenant')
  @WithEtag()
  @ApiOperation({
    summary: 'Change the tenant',
    description: 'Name, zone of reports, and the postal address that stands in the footer of mail.',
  })
  @ApiOkResponse({ type: TenantDto })
  @ApiProblems(400, 412, 415)
  updateTenant(@Ctx() ctx: TenantContext, @Body() body: UpdateTenantDto, @IfMatch() ifMatch: string | undefined): Promise<TenantDto> {
    return this.service.update(ctx, body, ifMatch);
  }
}
