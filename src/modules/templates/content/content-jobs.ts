import { compileContent } from '../domain/compile-content.js';
import { type CompileOptions, type CompileResult, type ContentProblem, type ContentSource } from '../domain/compiled-content.js';
import { PreparedContent, type MessageData, type RenderedContent } from '../domain/prepared-content.js';
import { RenderError } from '../domain/render-error.js';

/** What the content worker can be asked. Everything crosses a process boundary, so everything is plain data. */
export type ContentJob =
  | { kind: 'compile'; source: ContentSource; options: CompileOptions }
  | { kind: 'preview'; source: ContentSource; options: CompileOptions; data: MessageData; unsubscribeUrl: string };

export interface PreviewResult {
  /** `null` where the content has errors or cannot be rendered for this contact; `problems` says why. */
  rendered: RenderedContent | null;
  problems: ContentProblem[];
}

export interface ContentJobResult {
  compile: CompileResult;
  preview: PreviewResult;
}

/** Does one job; runs inside the worker. */
export async function runContentJob(job: ContentJob): Promise<CompileResult | PreviewResult> {
  if (job.kind === 'compile') return compileContent(job.source, job.options);
  const { compiled, problems } = await compileContent(job.source, job.options);
  if (!compiled) return { rendered: null, problems };
  const urls = { link: (index: number, url?: string) => url ?? compiled.links[index].url, pixel: '', unsubscribe: job.unsubscribeUrl };
  try {
    return { rendered: new PreparedContent(compiled).render(job.data, urls), problems };
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return {
      rendered: null,
      problems: [...problems, { path: 'emailContent', code: error.code, message: error.message, severity: 'error' }],
    };
  }
}
