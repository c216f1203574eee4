import type { WebhookAction } from './step.js';
import { shownAction, storedWebhook } from './webhook-action.js';

const URL = 'https://acme.example/hook';
const kept: WebhookAction = { type: 'webhook', url: URL, sealedSecret: 'sealed' };
const seal = (secret: string, url: string) => `${secret} for ${url}`;
const stored = (given: { url?: string; secret?: string | null; hasSecret?: boolean }, known: WebhookAction[] = []) =>
  storedWebhook({ url: URL, ...given }, known, seal);

describe('the secret of a webhook action', () => {
  it('is shown to nobody, only that there is one', () => {
    expect(shownAction(kept)).toEqual({ type: 'webhook', url: URL, hasSecret: true });
    expect(shownAction({ type: 'webhook', url: URL })).toEqual({ type: 'webhook', url: URL, hasSecret: false });
    expect(shownAction({ type: 'add_tag', tag: 'x' })).toEqual({ type: 'add_tag', tag: 'x' });
  });

  it('stays when a flow is saved again as it was read, and only for the same address', () => {
    expect(stored({ hasSecret: true }, [kept])).toEqual(kept);
    expect(stored({}, [kept])).toEqual(kept);
    expect(stored({ url: 'https://other.example/hook' }, [kept])).toEqual({ type: 'webhook', url: 'https://other.example/hook' });
    // Else signed calls would turn into unsigned ones unnoticed.
    expect(stored({ url: 'https://other.example/hook', hasSecret: true }, [kept])).toBeNull();
  });

  it('is sealed when it is given, and goes when it is taken away', () => {
    expect(stored({ secret: 'new' }, [kept])).toEqual({ ...kept, sealedSecret: `new for ${URL}` });
    for (const given of [{ secret: null }, { secret: null, hasSecret: true }, { hasSecret: false }])
      expect(stored(given, [kept])).toEqual({ type: 'webhook', url: URL });
  });
});
