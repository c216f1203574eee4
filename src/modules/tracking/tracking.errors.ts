import { DomainError } from '../../shared/domain-error.js';

/** An altered, truncated or foreign token. Says nothing about what exists. */
export class TrackingLinkNotFound extends DomainError {
  readonly code = 'tracking_link_not_found';
  readonly category = 'not_found' as const;

  constructor() {
    super('This link is not valid: part of its address is missing or was changed.');
  }
}

/** More hits wait to be stored than the database can take: whoever asked should come again. */
export class TooManyHits extends DomainError {
  readonly code = 'too_many_hits';
  readonly category = 'unavailable' as const;

  constructor() {
    super('Too much is going on at the moment. Try again in a few seconds.');
  }
}

/** An address that a message must not link to. */
export class LinkNotAllowed extends DomainError {
  readonly code = 'link_not_allowed';
  readonly category = 'unprocessable' as const;

  constructor(url: string) {
    super(`Only http and https addresses can be tracked, not "${url.slice(0, 200)}".`);
  }
}
