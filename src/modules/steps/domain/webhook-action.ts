import type { Problem } from '../../../shared/domain-error.js';
import { signingSecretFault } from '../../../shared/outbound/signature.js';
import type { ActionConfig, WebhookAction } from './step.js';

const MOST_URL_CHARACTERS = 2_000;

/** An action as callers see it: of a secret only that there is one. */
export type ShownAction = Exclude<ActionConfig, WebhookAction> | { type: 'webhook'; url: string; hasSecret: boolean };

/** What a secret is sealed for: it opens for no other address. */
export function webhookSecretContext(url: string): string {
  return `step-webhook/${url}`;
}

export function shownAction(action: ActionConfig): ShownAction {
  return action.type === 'webhook' ? { type: 'webhook', url: action.url, hasSecret: action.sealedSecret !== undefined } : action;
}

/** What is wrong with an action of type `webhook` as callers give it, where it leads aside. */
export function webhookProblems({ url, secret, hasSecret }: Record<string, unknown>, path: string): Problem[] {
  const problems: Problem[] = [];
  if (typeof url !== 'string' || url.trim() !== url || url === '' || url.length > MOST_URL_CHARACTERS || !URL.canParse(url)) {
    const message = `url is the address to call: https://…, at most ${MOST_URL_CHARACTERS} characters.`;
    problems.push({ path: `${path}.url`, code: 'invalid_url', message });
  }
  const fault = secret === undefined || secret === null ? null : signingSecretFault(secret);
  if (fault !== null)
    problems.push({ path: `${path}.secret`, code: 'invalid_secret', message: `secret ${fault}, or null to sign nothing.` });
  if (hasSecret !== undefined && typeof hasSecret !== 'boolean')
    problems.push({ path: `${path}.hasSecret`, code: 'invalid_value', message: 'hasSecret is true or false, as in answers.' });
  return problems;
}

/**
 * The action as it is to be stored. A secret that is not given stays what it was for the same address, so that what was read can be saved again without it;
 * null, or `hasSecret: false`, takes it away. Null if there is said to be a secret, and nobody knows it.
 */
export function storedWebhook(
  given: Pick<WebhookAction, 'url'> & { secret?: string | null; hasSecret?: boolean },
  known: readonly (ActionConfig | null)[],
  seal: (secret: string, url: string) => string,
): WebhookAction | null {
  const { url, secret, hasSecret } = given;
  const plain: WebhookAction = { type: 'webhook', url };
  if (typeof secret === 'string') return { ...plain, sealedSecret: seal(secret, url) };
  if (secret === null || hasSecret === false) return plain;
  for (const action of known) if (action?.type === 'webhook' && action.url === url && action.sealedSecret !== undefined) return action;
  return hasSecret ? null : plain;
}
