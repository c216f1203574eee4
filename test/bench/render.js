/**
 * Microseconds per rendered message (subject + HTML + text), from built code: `npm run build && node test/bench/render.js`.
 * The message is the one the delivery benchmark sends: about 8 KB of HTML, 10 tracked links, 10 merge fields.
 */
import { ContentCompiler, ContentRenderer } from '../../dist/src/modules/templates/index.js';

const fields = ['first_name', 'last_name', 'timezone', 'attributes.plan', 'attributes.city', 'attributes.company'];
const field = (i) => `{{ contact.${fields[i % fields.length]} | default: "friend" }}`;
const block = (i) => `<tr><td style="padding:10px 25px;font-family:Arial;font-size:14px;line-height:1.5;color:#333333;">
<p style="margin:0 0 12px;">Hello ${field(i)}, ${'news from the shop, fresh every week. '.repeat(12)}</p>
<a href="https://shop.example/item/${i}?campaign=spring" style="color:#0055cc;">See offer ${i}</a></td></tr>`;
const flat = `<!doctype html><html><body><table>${Array.from({ length: 10 }, (_, i) => block(i)).join('\n')}</table></body></html>`;
const branching = flat.replaceAll('<tr>', '{% if contact.lead_score > 10 %}<tr>').replaceAll('</tr>', '</tr>{% endif %}');
const dynamic = flat.replaceAll('?campaign=spring', '?campaign=spring&id={{ contact.id }}');
const options = { unsubscribeFooter: true, trackClicks: true, trackOpens: true };

const compiler = new ContentCompiler();
for (const [name, content] of Object.entries({ flat, dynamic, branching })) {
  const { compiled, problems } = await compiler.compile({ format: 'html', subject: 'News for {{ contact.first_name }}', content }, options);
  if (!compiled) throw new Error(JSON.stringify(problems));
  const prepared = new ContentRenderer().prepare(compiled);
  const data = (i) => ({
    contact: {
      id: `c${i}`,
      email: `c${i}@mail.example`,
      first_name: `Ada ${i}`,
      last_name: "O'Neil",
      timezone: 'UTC',
      lead_score: 20,
      attributes: { plan: 'pro', city: 'Köln' },
    },
    campaign: { name: 'Spring' },
    tenant: { name: 'Shop', postal_address: '1 Main St\nTown' },
  });
  const urls = (i) => ({
    link: (n) => `https://t.example/c/${i}.${n}.abcdefghijklmnopqrstuv`,
    pixel: `https://t.example/o/${i}`,
    unsubscribe: `https://t.example/u/${i}`,
  });
  const run = (from, to) => {
    let bytes = 0;
    for (let i = from; i < to; i++) {
      const { subject, html, text } = prepared.render(data(i), urls(i));
      bytes += Buffer.byteLength(subject) + Buffer.byteLength(html) + Buffer.byteLength(text);
    }
    return bytes;
  };
  run(0, 5_000);
  const count = 20_000;
  const start = process.hrtime.bigint();
  const bytes = run(0, count);
  const micros = Number(process.hrtime.bigint() - start) / 1000 / count;
  console.log(
    `${name.padEnd(10)} ${micros.toFixed(1)} µs per message of ${Math.round(bytes / count)} bytes (byte count included), ${compiled.links.length} links`,
  );
}
await compiler.onApplicationShutdown();
