import { Module } from '@nestjs/common';
import { ContentModule } from './content/content.module.js';
import { TemplatePreviewService } from './template-preview.service.js';
import { TemplatesController } from './templates.controller.js';
import { TemplatesQueries } from './templates.queries.js';
import { TemplatesService } from './templates.service.js';

/** Templates, their versions and previews; and, from `ContentModule`, compiling and rendering for everybody. */
@Module({
  imports: [ContentModule],
  controllers: [TemplatesController],
  providers: [TemplatesService, TemplatePreviewService, TemplatesQueries],
  exports: [TemplatesService, ContentModule],
})
export class TemplatesModule {}
