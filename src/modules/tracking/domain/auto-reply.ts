import type { MailHeaders } from './mail-headers.js';

export interface IncomingMail {
  headers: MailHeaders;
  /** The envelope's sender (RFC 5321 MAIL FROM): empty for bounces, undefined where it is not known. */
  envelopeFrom?: string;
}

/**
 * Why a message was not written by a person in answer to ours, or null. In the order of how sure the sign is: what the standard defines
 * (RFC 3834), what the envelope says (RFC 5321 §4.5.5), what mail systems are known to write, and the subject only where nothing else spoke.
 */
export function autoReplyReason({ headers, envelopeFrom }: IncomingMail): string | null {
  const first = (name: string) => headers.get(name)?.[0]?.trim();
  const says = (name: string, pattern: RegExp) => headers.get(name)?.some((value) => pattern.test(value)) ?? false;
  const autoSubmitted = first('auto-submitted');
  if (autoSubmitted !== undefined && !/^no\b/i.test(autoSubmitted)) return 'auto_submitted';
  if (says('content-type', /^multipart\/report/i) || headers.has('x-failed-recipients')) return 'delivery_report';
  if (envelopeFrom?.trim() === '' || envelopeFrom?.trim() === '<>' || first('return-path') === '<>') return 'null_sender';
  if (DAEMONS.test(envelopeFrom ?? '') || says('from', DAEMONS)) return 'mailer_daemon';
  if (says('precedence', /^(bulk|junk|list|auto_reply)\b/i)) return 'precedence';
  if (AUTO_HEADERS.some((name) => headers.has(name) && !says(name, /^(no|none|false)$/i))) return 'x_autoreply';
  if (headers.has('x-auto-response-suppress') && !says('x-auto-response-suppress', /^none$/i)) return 'auto_response_suppress';
  if (headers.has('list-id') || headers.has('list-unsubscribe')) return 'list';
  return SUBJECTS.test(first('subject') ?? '') ? 'subject' : null;
}

const DAEMONS = /(?:^|[<\s"])(?:mailer-daemon|postmaster|mail-daemon|mdaemon|bounces?)(?:[@+>\s"]|$)/i;
const AUTO_HEADERS = [
  'x-autoreply',
  'x-autorespond',
  'x-autoresponder',
  'x-auto-reply',
  'x-autoreply-from',
  'x-mail-autoreply',
  'auto-reply',
];

/** At the very start: a person who answers to a subject like these writes "Re:" in front of it. */
const SUBJECTS = new RegExp(
  `^\\s*(?:${[
    'auto(?:matic|mated|matisch)?e?[ :-]*(?:re(?:ply|sponse|sponder)|antw(?:ort|oord)|notification)',
    'autoreply|autosvar|automatisk svar|automaattinen vastaus',
    'out of (?:the )?office|ooo\\b|away from (?:the |my )?office|i am (?:currently )?(?:away|out)|on (?:annual )?leave|vacation',
    'abwesenheit|abwesend|nicht im (?:büro|haus)',
    'r[ée]ponse automatique|absence? du bureau|absent(?:e)? du bureau|message d.absence',
    'respuesta autom[áa]tica|fuera de (?:la )?oficina|resposta autom[áa]tica|fora do escrit[óo]rio',
    'risposta automatica|fuori (?:sede|ufficio)|afwezig|odpowied[źz] automatyczna|automatyczna odpowied[źz]|автоматический ответ|автоответ',
    '自動返信|自动回复|自動回覆|不在',
    'undeliver(?:able|ed)|delivery status notification|delivery (?:has )?failed|mail delivery failed|returned mail|failure notice|unzustellbar',
  ].join('|')})`,
  'i',
);
