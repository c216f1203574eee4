import { Body, Controller, Get, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { ApiProblems, IdParam } from '../../http/index.js';
import { safeFileName } from '../../shared/file-name.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { CampaignExportService } from './campaign-export.service.js';
import { CampaignFilePipe } from './campaign-file.pipe.js';
import { CampaignImportService } from './campaign-import.service.js';
import { FILE_LIMITS, type CampaignFile } from './domain/campaign-file.js';
import { CampaignFileDto } from './dto/campaign-file.dto.js';
import { ImportedCampaignDto, toImportedDto } from './dto/imported-campaign.dto.js';

@ApiTags('Campaigns')
@ApiBearerAuth()
@Controller('api/campaigns')
export class ExchangeController {
  constructor(
    private readonly exporting: CampaignExportService,
    private readonly importing: CampaignImportService,
  ) {}

  @ApiOperation({
    summary: 'Get a campaign as a file',
    description:
      'Settings, steps, variants, segments and templates, without ids, in a stable order: made to be kept in git and imported elsewhere. Contacts, members ' +
      'of static segments, secrets and numbers are not in it.',
  })
  @ApiOkResponse({ type: CampaignFileDto })
  @ApiProblems(400, 404, 422)
  @Can('campaigns:read')
  @Get(':id/export')
  async exportCampaign(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { name, text } = await this.exporting.export(ctx, id);
    void reply.headers({
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename="${safeFileName(name, 'campaign.json')}"`,
    });
    return text;
  }

  @ApiOperation({
    summary: 'Make a draft of a file',
    description:
      'All of it or nothing. Segments and templates of the same name and content are used, others created; `providerAccount` and the campaigns that ' +
      `steps enrol people in must be there under their names. At most ${FILE_LIMITS.bytes / 1024 / 1024} MiB.`,
  })
  @ApiCreatedResponse({ type: ImportedCampaignDto })
  @ApiProblems(400, 413, 422)
  @ApiBody({ type: CampaignFileDto })
  @Can('campaigns:write')
  @RouteConfig({ bodyLimit: FILE_LIMITS.bytes })
  @Post('import')
  async importCampaign(@Ctx() ctx: TenantContext, @Body(CampaignFilePipe) file: unknown): Promise<ImportedCampaignDto> {
    return toImportedDto(await this.importing.import(ctx, file as CampaignFile));
  }
}
