export type RefusalReason = 'invalid_url' | 'scheme' | 'credentials' | 'port' | 'private_address';
export type FailureReason = 'not_resolved' | 'timeout' | 'connection' | 'protocol';

/** The request was not made, because of where it would have gone. Trying again makes no sense. The message is for the person who chose the address. */
export class OutboundRefused extends Error {
  constructor(
    readonly reason: RefusalReason,
    message: string,
  ) {
    super(message);
    this.name = 'OutboundRefused';
  }
}

/** The request was allowed but brought no answer. `written`: the other side may have received it all the same. */
export class OutboundFailed extends Error {
  constructor(
    readonly reason: FailureReason,
    message: string,
    readonly written: boolean,
  ) {
    super(message);
    this.name = 'OutboundFailed';
  }
}
