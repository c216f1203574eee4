import { DomainError, type Problem } from '../../shared/domain-error.js';
import type { ContentProblem } from './domain/compiled-content.js';

export class TemplateNotFoundError extends DomainError {
  readonly code = 'template_not_found';
  readonly category = 'not_found' as const;

  constructor(templateId: string, version?: number) {
    super(version === undefined ? `There is no template ${templateId}.` : `The template ${templateId} has no version ${version}.`);
  }
}

const PATHS: Record<ContentProblem['path'], string> = {
  subjectLine: 'subjectLine',
  emailContent: 'content',
  textContent: 'content',
  preheader: 'content',
};

/** Content that cannot be compiled, or not be rendered for the contact asked for. Warnings are left out: they prevent nothing. */
export class TemplateContentError extends DomainError {
  readonly code = 'content_invalid';
  readonly category = 'unprocessable' as const;

  constructor(problems: ContentProblem[]) {
    const errors = problems.filter(({ severity }) => severity === 'error').map(toProblem);
    super(`The content cannot be used: ${errors[0].message}`, errors);
  }
}

/** As it is shown to whoever wrote the content: with the line it is about. */
export function toProblem({ path, message, code, line }: ContentProblem): Problem {
  return { path: PATHS[path], message: line === undefined ? message : `Line ${line}: ${message}`, code };
}

/** A contact or other thing named in the body that this tenant does not have. */
export class PreviewContactError extends DomainError {
  readonly code = 'unknown_contact';
  readonly category = 'unprocessable' as const;

  constructor() {
    super('contactId names no contact of yours.', [{ path: 'contactId', message: 'names no contact of yours', code: 'unknown_contact' }]);
  }
}

/** A campaign that may still send refers to the template. */
export class TemplateInUseError extends DomainError {
  readonly code = 'template_in_use';
  readonly category = 'conflict' as const;

  constructor(campaigns: { id: string; name: string; status: string }[]) {
    const names = campaigns.slice(0, 3).map(({ name, status }) => `"${name}" (${status})`);
    super(
      `The template cannot be deleted: it is used by the campaigns ${names.join(', ')}${campaigns.length > 3 ? ' and others' : ''}.`,
      [],
      {
        usedBy: { campaigns },
      },
    );
  }
}

/** Others keep saving this template while the new content is being checked. */
export class TemplateBusyError extends DomainError {
  readonly code = 'template_changed';
  readonly category = 'conflict' as const;

  constructor() {
    super('The template was changed by somebody else at the same time. Read it again and repeat the change.');
  }
}
