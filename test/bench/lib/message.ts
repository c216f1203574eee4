/** The message of the delivery benchmarks: MJML, ten tracked links, ten variables, about 8 KB of HTML once compiled. */
export const SUBJECT = '{{ contact.first_name | default: "Friend" }}, your {{ contact.attributes.plan }} news';

const paragraph = (i: number) => `
      <mj-text>Offer ${i}: something new for {{ contact.${FIELDS[i % FIELDS.length]} | default: "you" }}, fresh from the shop every week.
        <a href="https://shop.example/offers/${i}?campaign=spring">See offer ${i}</a></mj-text>`;
const FIELDS = [
  'first_name',
  'last_name',
  'email',
  'attributes.plan',
  'attributes.city',
  'attributes.company',
  'attributes.product',
  'attributes.coupon',
];

export const MJML = `<mjml>
  <mj-head><mj-title>News</mj-title><mj-attributes><mj-text font-size="14px" padding="4px 20px" /></mj-attributes></mj-head>
  <mj-body>
    <mj-section><mj-column>
      <mj-text font-size="20px">Hello {{ contact.first_name | default: "friend" }} {{ contact.last_name }}</mj-text>${Array.from({ length: 10 }, (_, i) => paragraph(i)).join('')}
    </mj-column></mj-section>
  </mj-body>
</mjml>`;

/** For the floor that builds its own MIME: the HTML and text of a rendered message. */
export function partsOf(raw: Buffer): { html: string; text: string } {
  const text = raw.toString('latin1');
  const boundary = /boundary="?([^"\r\n;]+)/i.exec(text)?.[1];
  if (!boundary) throw new Error('the sample message has no parts');
  const parts = text.split(`--${boundary}`);
  return { html: decode(parts, 'text/html'), text: decode(parts, 'text/plain') };
}

function decode(parts: string[], type: string): string {
  const part = parts.find((candidate) => new RegExp(`content-type:\\s*${type}`, 'i').test(candidate));
  if (!part) throw new Error(`the sample message has no part of type ${type}`);
  const at = part.indexOf('\r\n\r\n');
  const body = part.slice(at + 4);
  const encoding = /content-transfer-encoding:\s*(\S+)/i.exec(part.slice(0, at))?.[1].toLowerCase();
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1').toString('utf8');
  const bytes = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
