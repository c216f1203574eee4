/** What went wrong with messages, as operators tell it apart, each with every reason that it may have. The metrics have a series for each: never an open set. */
export const FAILURES = {
  /** Tried again: the way to the provider, or a passing refusal of the message. */
  transient: [
    'connection_failed',
    'deferred',
    'dns_failed',
    'gate_failed',
    'not_handed_over',
    'protocol_error',
    'timeout',
    'tls_failed',
    'unavailable',
  ],
  /** Tried again: the provider asks for less. */
  throttled: ['throttled'],
  /** Tried again, and in vain until somebody mends it: credentials, bill, permissions. */
  account: ['account_fault', 'mailbox_unwritable'],
  /** Given up. */
  permanent: [
    'invalid_message',
    'message_refused',
    'no_content',
    'no_sender',
    'output_too_large',
    'poison',
    'policy',
    'recipient_refused',
    'rejected',
    'render_error',
    'retries_exhausted',
    'sender_refused',
    'unsendable_message',
  ],
  /** Given up, and the address is suppressed. */
  hard_bounce: ['recipient_refused'],
  /** May or may not have been handed over. */
  unknown: [
    'connection_lost_after_data',
    'connection_lost_after_request',
    'lease_expired',
    'provider_fault',
    'server_error',
    'timeout_after_request',
  ],
  /** Ours: the message must not go out, or the contact lacks what it needs. */
  refused: [
    'campaign_cancelled',
    'campaign_ended',
    'contact_deleted',
    'enrollment_ended',
    'frequency_cap',
    'missing_data',
    'superseded',
    'suppressed',
    'unsubscribed',
  ],
  /** Ours: later, as was asked for. No fault. */
  held: [
    'address_changed',
    'campaign_not_active',
    'enrollment_paused',
    'frequency_cap',
    'not_started',
    'provider_unavailable',
    'ramp_limited',
    'rate_limited',
    'send_window',
  ],
} as const satisfies Record<string, readonly string[]>;
export type FailureClass = keyof typeof FAILURES;

/** How a message in flight ended; the shape of a `Settlement`. */
export interface Ending {
  status: 'sent' | 'queued' | 'failed' | 'unknown' | 'skipped' | 'cancelled';
  reason: string | null;
  suppressEmail?: string;
}

/** Null for a message that was sent. A reason that is not listed shows as `other`. */
export function failureOf(ending: Ending): { class: FailureClass; reason: string } | null {
  const found = classOf(ending);
  if (found === null) return null;
  const reasons: readonly string[] = FAILURES[found];
  return { class: found, reason: reasons.includes(ending.reason ?? '') ? ending.reason! : 'other' };
}

const AGAIN = ['throttled', 'account', 'held'] as const;

function classOf({ status, reason, suppressEmail }: Ending): FailureClass | null {
  switch (status) {
    case 'sent':
      return null;
    case 'unknown':
      return 'unknown';
    case 'failed':
      return suppressEmail === undefined ? 'permanent' : 'hard_bounce';
    case 'skipped':
    case 'cancelled':
      return 'refused';
    case 'queued':
      return AGAIN.find((name) => (FAILURES[name] as readonly string[]).includes(reason ?? '')) ?? 'transient';
  }
}
