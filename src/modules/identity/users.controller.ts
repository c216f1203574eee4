import { Body, Controller, Get, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, IfMatch, PageDto, PageQuery, WithEtag } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can } from './access.decorators.js';
import { CreateUserDto, UpdateUserDto, UserDto } from './dto/user.dto.js';
import { Ctx, type TenantContext } from './tenant-context.js';
import { UsersService } from './users.service.js';

@ApiTags('identity')
@ApiBearerAuth()
@Controller('api/users')
export class UsersController {
  constructor(private readonly service: UsersService) {}

  @Can('users:read')
  @Get()
  @ApiOperation({ summary: 'List users' })
  @ApiOkResponse({ type: PageDto(UserDto) })
  @ApiProblems(400)
  listUsers(@Ctx() ctx: TenantContext, @Query() query: PageQuery): Promise<Page<UserDto>> {
    return this.service.list(ctx, query);
  }

  @Can('users:read')
  @Get(':id')
  @WithEtag()
  @ApiOperation({ summary: 'Get a user' })
  @ApiOkResponse({ type: UserDto })
  @ApiProblems(400, 404)
  getUser(@Ctx() ctx: TenantContext, @IdParam() id: string): Promise<UserDto> {
    return this.service.get(ctx, id);
  }

  @Can('users:manage')
  @Post()
  @WithEtag()
  @ApiOperation({ summary: 'Add a user', description: 'You cannot give a role that allows more than your own.' })
  @ApiCreatedResponse({ type: UserDto })
  @ApiProblems(400, 409, 415)
  createUser(@Ctx() ctx: TenantContext, @Body() body: CreateUserDto): Promise<UserDto> {
    return this.service.create(ctx, body);
  }

  @Can('users:manage')
  @Patch(':id')
  @WithEtag()
  @ApiOperation({
    summary: 'Change or disable a user',
    description:
      'The last owner can neither be disabled nor lose the role (409). A disabled user’s API keys stop working within five seconds.',
  })
  @ApiOkResponse({ type: UserDto })
  @ApiProblems(400, 404, 409, 412, 415)
  updateUser(
    @Ctx() ctx: TenantContext,
    @IdParam() id: string,
    @Body() body: UpdateUserDto,
    @IfMatch() ifMatch: string | undefined,
  ): Promise<UserDto> {
    return this.service.update(ctx, id, body, ifMatch);
  }
}
