import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type CompileOptions, type CompileResult, type ContentProblem, type ContentSource } from '../domain/compiled-content.js';
import { type MessageData } from '../domain/prepared-content.js';
import { type PreviewResult } from './content-jobs.js';
import { ContentJobStopped, ContentWorker } from './content-worker.js';

const STOPPED: Record<ContentJobStopped['reason'], string> = {
  too_slow: 'The content takes too long to process. Make it shorter or simpler.',
  too_complex: 'The content needs too much memory to process. Make it shorter or simpler.',
  too_deep: 'The content is nested too deeply.',
};

/**
 * Compiles content, once per version, in a worker process with hard limits of time and memory. Bad input of any kind comes back as problems;
 * only an overloaded or stopping service throws (`ContentBusyError`).
 */
@Injectable()
export class ContentCompiler implements OnApplicationShutdown {
  private readonly worker = new ContentWorker();

  async compile(source: ContentSource, options: CompileOptions): Promise<CompileResult> {
    try {
      return await this.worker.run({ kind: 'compile', source, options });
    } catch (error) {
      return { compiled: null, problems: [stoppedProblem(error)] };
    }
  }

  /** Compiles and renders unsaved content under the same limits; see `previewContent`. */
  async preview(source: ContentSource, options: CompileOptions, data: MessageData, unsubscribeUrl: string): Promise<PreviewResult> {
    try {
      return await this.worker.run({ kind: 'preview', source, options, data, unsubscribeUrl });
    } catch (error) {
      return { rendered: null, problems: [stoppedProblem(error)] };
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker.close();
  }
}

function stoppedProblem(error: unknown): ContentProblem {
  if (!(error instanceof ContentJobStopped)) throw error;
  return { path: 'emailContent', code: error.reason, message: STOPPED[error.reason], severity: 'error' };
}
