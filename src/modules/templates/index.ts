export {
  CONTENT_LIMITS,
  type CompiledContent,
  type CompiledLink,
  type CompileOptions,
  type CompileResult,
  type ContentFormat,
  type ContentPath,
  type ContentProblem,
  type ContentSource,
} from './domain/compiled-content.js';
export {
  PreparedContent,
  type ContentShape,
  type MessageData,
  type MessageUrls,
  type RenderedContent,
  type RenderedSlots,
} from './domain/prepared-content.js';
export { carriesAddress } from './domain/postal-address.js';
export { RenderError, type RenderErrorCode } from './domain/render-error.js';
export { ContentCompiler } from './content/content-compiler.js';
export { ContentRenderer } from './content/content-renderer.js';
export { ContentModule } from './content/content.module.js';
export { previewContent, type PreviewInput } from './content/content-preview.js';
export { type PreviewResult } from './content/content-jobs.js';
export { ContentBusyError } from './content/content-worker.js';
export { TemplateNotFoundError } from './templates.errors.js';
export { TemplatesModule } from './templates.module.js';
export type { ResolvedTemplate } from './templates.queries.js';
export { TemplatesService, type NewTemplate } from './templates.service.js';
export { CreateTemplateDto } from './dto/template.dto.js';
