import type { Problem } from '../../../shared/domain-error.js';
import { stepLabel, type CampaignStep, type ReviewedStep } from '../../steps/index.js';
import { canonical, substanceOf, type ComparedStep } from './substance.js';

/** What the author says about a step: which step it goes on with, that it is new (null), or nothing. */
export type Continues = string | null | undefined;

interface Former {
  /** The steps of the live version, in order. */
  live: readonly CampaignStep[];
  /** The steps of all versions that are or were live. */
  published: readonly CampaignStep[];
}

/**
 * Which line every step of a draft belongs to; null begins a new one. What the author says counts. Of the other steps those go on that are the same as a
 * step of the live version, then those that have its type and its name. Two steps of one draft never share a line.
 */
export function linesOf(
  drafted: readonly ReviewedStep[],
  wishes: readonly Continues[],
  former: Former,
): { lines: (string | null)[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const lines = drafted.map((step, index) => wished(step, index, wishes[index], former.published, problems));
  problems.push(...doubled(lines));
  const isOpen = (index: number): boolean => wishes[index] === undefined && lines[index] === null;
  const free = (): CampaignStep[] => former.live.filter(({ lineageId }) => !lines.includes(lineageId));
  const take = (matches: (step: ReviewedStep, live: CampaignStep) => boolean, types: (step: ReviewedStep) => boolean): void => {
    for (const [index, step] of drafted.entries()) {
      if (!isOpen(index) || !types(step)) continue;
      const match = free().find((live) => matches(step, live));
      if (match) lines[index] = match.lineageId;
    }
  };
  const liveLines = new Map(former.published.map(({ id, lineageId }) => [id, lineageId]));
  const isSame = (step: ReviewedStep, live: CampaignStep): boolean => {
    const draftLine = (id: string): string => lines[drafted.findIndex((other) => other.id === id)] ?? id;
    return matter(step, draftLine) === matter(live, (id) => liveLines.get(id) ?? id);
  };
  const hasItsName = (step: ReviewedStep, live: CampaignStep): boolean =>
    step.stepType === live.stepType && step.stepName !== null && step.stepName === live.stepName;
  // Emails first: rules of other steps name them, and are the same only where the emails are.
  for (const types of [isEmail, (step: ReviewedStep) => !isEmail(step)]) {
    take(isSame, types);
    take(hasItsName, types);
  }
  return { lines, problems };
}

function wished(
  step: ReviewedStep,
  index: number,
  wish: Continues,
  published: readonly CampaignStep[],
  problems: Problem[],
): string | null {
  if (wish === undefined || wish === null) return null;
  const path = `steps[${index}].continues`;
  const former = published.find(({ id }) => id === wish.toLowerCase());
  if (!former) {
    const message = 'No step of a version that is or was live has this id; null makes it a new step.';
    problems.push({ path, code: 'continued_step_not_found', message });
    return null;
  }
  if (former.stepType !== step.stepType) {
    const message = `${stepLabel(former)} is of type "${former.stepType}" and cannot go on as a step of type "${step.stepType}".`;
    problems.push({ path, code: 'continued_step_type', message });
    return null;
  }
  return former.lineageId;
}

function doubled(lines: readonly (string | null)[]): Problem[] {
  return lines.flatMap((line, index) =>
    line === null || lines.indexOf(line) === index
      ? []
      : [
          {
            path: `steps[${index}].continues`,
            code: 'continued_twice',
            message: `steps[${lines.indexOf(line)}] goes on with the same step: only one can.`,
          },
        ],
  );
}

/** A draft has no template pinned yet. */
function matter(step: ComparedStep, line: (id: string) => string): string {
  const variants = step.variants.map((variant) => ({ ...variant, templateVersion: null }));
  return canonical(substanceOf({ ...step, templateVersion: null, variants }, line));
}

function isEmail({ stepType }: ReviewedStep): boolean {
  return stepType === 'email';
}
