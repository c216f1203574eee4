import { DomainError, type ErrorCategory } from '../../../shared/domain-error.js';

export type RenderErrorCode = 'missing_data' | 'output_too_large' | 'render_error';

/** Content could not be rendered for one recipient. Definite: nothing was sent, and trying again with the same data fails again. */
export class RenderError extends DomainError {
  readonly category: ErrorCategory = 'unprocessable';

  constructor(
    readonly code: RenderErrorCode,
    message: string,
  ) {
    super(message);
  }
}
