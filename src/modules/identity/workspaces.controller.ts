import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, PageDto, PageQuery } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can } from './access.decorators.js';
import { CreateWorkspaceDto, WorkspaceDto } from './dto/workspace.dto.js';
import { Ctx, type TenantContext } from './tenant-context.js';
import { WorkspacesService } from './workspaces.service.js';

@ApiTags('identity')
@ApiBearerAuth()
@Controller('api/workspaces')
export class WorkspacesController {
  constructor(private readonly service: WorkspacesService) {}

  @Can('workspaces:read')
  @Get()
  @ApiOperation({ summary: 'List workspaces' })
  @ApiOkResponse({ type: PageDto(WorkspaceDto) })
  @ApiProblems(400)
  listWorkspaces(@Ctx() ctx: TenantContext, @Query() query: PageQuery): Promise<Page<WorkspaceDto>> {
    return this.service.list(ctx, query);
  }

  @Can('workspaces:manage')
  @Post()
  @ApiOperation({ summary: 'Create a workspace' })
  @ApiCreatedResponse({ type: WorkspaceDto })
  @ApiProblems(400, 409, 415)
  createWorkspace(@Ctx() ctx: TenantContext, @Body() body: CreateWorkspaceDto): Promise<WorkspaceDto> {
    return this.service.create(ctx, body);
  }
}
