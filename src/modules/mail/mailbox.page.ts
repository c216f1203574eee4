import type { CapturedMail } from './domain/eml-reader.js';
import type { MailboxEntry } from './providers/mailbox-store.js';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.4rem}a{color:#0b5cad}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #dde3ea;
overflow-wrap:anywhere;vertical-align:top}th{font-weight:600;color:#586374}iframe{width:100%;height:32rem;border:1px solid #dde3ea;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f7fa;padding:1rem}input{font:inherit;padding:.2rem .5rem}nav{margin:1rem 0}
p.note{color:#586374}`;

/** No script, nothing from elsewhere, and only our own page may frame the message. */
export const PAGE_CSP =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * A message is somebody's HTML: no script runs, it has no origin of its own, it cannot send forms. Images load and links open in a new window, as in
 * a mail program; that is also how looking at it counts as an opening.
 */
export const MESSAGE_CSP =
  "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' http: https:; font-src http: https: data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character]);

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

export function listPage(entries: MailboxEntry[], next: string | null, to: string | undefined): string {
  const rows = entries
    .map(
      (e) =>
        `<tr><td><a href="/mailbox/${e.id}">${escape(e.subject) || '(no subject)'}</a></td><td>${escape(e.to)}</td><td>${escape(e.from)}</td><td>${escape(e.date)}</td></tr>`,
    )
    .join('');
  const query = new URLSearchParams({ ...(to ? { to } : {}), ...(next ? { cursor: next } : {}) });
  const older = next ? `<nav><a href="/mailbox?${escape(query.toString())}">Older messages</a></nav>` : '';
  const table = `<table><thead><tr><th>Subject</th><th>To</th><th>From</th><th>Date</th></tr></thead><tbody>${rows}</tbody></table>`;
  const none = `<p>${to ? 'No message to this recipient here.' : 'No message yet.'}</p>`;
  return page(
    'Mailbox',
    `<h1>Mailbox</h1><p class="note">Nothing is really sent (MAIL_PROVIDER=mailbox): every message ends here.</p>
<form action="/mailbox"><label>Recipient <input name="to" value="${escape(to ?? '')}" maxlength="254"></label> <button>Search</button></form>
${entries.length > 0 ? table : none}${older}`,
  );
}

export function messagePage(id: string, mail: CapturedMail): string {
  const headers = mail.headers.map(([name, value]) => `<tr><th>${escape(name)}</th><td>${escape(value)}</td></tr>`).join('');
  return page(
    mail.subject || 'Message',
    `<nav><a href="/mailbox">All messages</a></nav><h1>${escape(mail.subject) || '(no subject)'}</h1>
<table><tbody><tr><th>From</th><td>${escape(mail.from)}</td></tr><tr><th>To</th><td>${escape(mail.to)}</td></tr><tr><th>Date</th><td>${escape(mail.date)}</td></tr></tbody></table>
<h2>HTML</h2><iframe title="The message as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mailbox/${id}/html"></iframe>
<h2>Text</h2><pre>${escape(mail.text)}</pre><h2>Headers</h2><table><tbody>${headers}</tbody></table>`,
  );
}

/** The message's own HTML, its links opening in a window of their own. */
export function messageDocument(mail: CapturedMail): string {
  const base = '<base target="_blank">';
  // Inside the head where there is one: anything before the doctype would switch the browser to quirks mode.
  return /<head[\s>]/i.test(mail.html) ? mail.html.replace(/<head(?:\s[^>]*)?>/i, (head) => head + base) : base + mail.html;
}
