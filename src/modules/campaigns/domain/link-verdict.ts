import type { FailureReason, RefusalReason } from '../../../shared/outbound/index.js';
import type { LaunchFinding } from './launch-rules.js';

/** A web address in a campaign's content, and where it stands. */
export interface CampaignLink {
  url: string;
  path: string;
  stepId: string;
}

/** What came of calling an address: a status, or why there is none. `skipped`: there was no time, or there were too many. */
export type LinkAnswer = { status: number } | { failed: FailureReason } | { refused: RefusalReason } | { loop: true } | { skipped: true };

const SHOWN = 200;
const NOT_CHECKED = 'The link could not be checked from here';

/**
 * What to say about a link. Warnings only: an address can be dead today and alive at the launch, and a server may refuse programs what it shows to
 * people (401, 403, 429 and the like say nothing).
 */
export function linkFinding({ url, path, stepId }: CampaignLink, answer: LinkAnswer): LaunchFinding | null {
  const found = verdict(answer);
  if (!found) return null;
  const [code, text] = found;
  return { severity: 'warning', code, path, stepId, message: `${text}: ${url.slice(0, SHOWN)}` };
}

function verdict(answer: LinkAnswer): [code: string, text: string] | null {
  if ('skipped' in answer) return null;
  if ('loop' in answer) return ['link_dead', 'The link is redirected again and again'];
  if ('refused' in answer) return ofRefusal(answer.refused);
  if ('failed' in answer) {
    return answer.failed === 'not_resolved'
      ? ['link_dead', 'The link leads to a host that does not exist']
      : ['link_unreachable', 'The link leads to a server that does not answer'];
  }
  const { status } = answer;
  if (status === 404 || status === 410) return ['link_dead', `The link leads to a page that is not there (${status})`];
  if (status >= 500) return ['link_failing', `The server behind the link fails (${status})`];
  return null;
}

function ofRefusal(reason: RefusalReason): [string, string] | null {
  if (reason === 'private_address') return ['link_private', 'The link leads to an address that is not on the public Internet'];
  if (reason === 'port') return ['link_not_checked', `${NOT_CHECKED}, because of its port`];
  if (reason === 'credentials') return ['link_not_checked', `${NOT_CHECKED}, because it carries a user name`];
  return ['link_dead', 'The link is redirected to something that is no web address'];
}
