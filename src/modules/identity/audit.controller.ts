import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, PageDto, parseInstant } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can } from './access.decorators.js';
import { AuditService } from './audit.service.js';
import { AuditEntryDto, ListAuditLogQuery } from './dto/audit.dto.js';
import { Ctx, type TenantContext } from './tenant-context.js';

@ApiTags('identity')
@ApiBearerAuth()
@Controller('api/audit-log')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Can('audit:read')
  @Get()
  @ApiOperation({
    summary: 'List what was done',
    description:
      'Every change and every refused attempt, newest first: who, what, what it was and became, and from where. Entries are never changed or deleted. ' +
      'Personal data of contacts is not in it; what people said about mail to them is in the history of the suppression list.',
  })
  @ApiOkResponse({ type: PageDto(AuditEntryDto) })
  @ApiProblems(400)
  listAuditLog(@Ctx() ctx: TenantContext, @Query() query: ListAuditLogQuery): Promise<Page<AuditEntryDto>> {
    const { from, to, ...rest } = query;
    return this.audit.list(ctx, { ...rest, from: from ? parseInstant(from) : null, to: to ? parseInstant(to) : null });
  }
}
