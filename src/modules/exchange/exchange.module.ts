import { Module } from '@nestjs/common';
import { CampaignsModule } from '../campaigns/index.js';
import { SegmentsModule } from '../segments/index.js';
import { StepsModule } from '../steps/index.js';
import { TemplatesModule } from '../templates/index.js';
import { CampaignExportService } from './campaign-export.service.js';
import { CampaignFilePipe } from './campaign-file.pipe.js';
import { CampaignImportService } from './campaign-import.service.js';
import { ExchangeController } from './exchange.controller.js';
import { ExchangeQueries } from './exchange.queries.js';
import { ImportParts } from './import-parts.js';

/** Campaigns as files, out and in. */
@Module({
  imports: [CampaignsModule, StepsModule, SegmentsModule, TemplatesModule],
  controllers: [ExchangeController],
  providers: [ExchangeQueries, CampaignExportService, CampaignImportService, ImportParts, CampaignFilePipe],
})
export class ExchangeModule {}
