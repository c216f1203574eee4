import { DomainError, type ErrorCategory, type Problem } from '../../shared/domain-error.js';
import { filePath } from './domain/refs.js';

/** The file cannot become a campaign; `problems` says where in it and why. Nothing was made. */
export class CampaignFileError extends DomainError {
  readonly code = 'campaign_file_invalid';

  constructor(
    readonly category: Extract<ErrorCategory, 'malformed' | 'unprocessable'>,
    problems: Problem[],
  ) {
    const [{ path, message }] = problems;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    super(`${path === '' ? 'The file' : path}: ${message}${more}`, problems);
  }
}

/** The campaign cannot be written as a file. */
export class CampaignNotExportableError extends DomainError {
  readonly code = 'campaign_not_exportable';
  readonly category = 'unprocessable' as const;

  constructor(problems: Problem[]) {
    super(`The campaign cannot be exported: ${problems[0].message}`, problems);
  }
}

/** Runs `fn`; what it refuses by path is told by the path in the file, `rename` being applied to the paths of `fn`. */
export async function inFile<T>(fn: () => T | Promise<T>, rename: (path: string) => string = (path) => path): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    if (!(error instanceof DomainError) || error instanceof CampaignFileError || error.problems.length === 0) throw error;
    if (error.category !== 'malformed' && error.category !== 'unprocessable') throw error;
    throw new CampaignFileError(
      error.category,
      error.problems.map((problem) => ({ ...problem, path: filePath(rename(problem.path)) })),
    );
  }
}
