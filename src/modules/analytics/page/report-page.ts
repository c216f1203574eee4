import { percent, type DetailedCounts, type Rates } from '../domain/counts.js';
import { layLanes, type LaneRow } from '../domain/flow-lanes.js';
import type { HourCell } from '../domain/heat-map.js';
import type { LinkReportDto } from '../dto/insights.dto.js';
import type { TestedStepReportDto } from '../dto/variants.dto.js';
import type { PeriodReport, StepReport } from '../report.service.js';
import { barChart, heatMap, meter, number, rail, whisker } from './charts.js';
import { html, markup, type Html } from './html.js';
import { STYLE } from './style.js';

export interface PageWay {
  /** Null ends the flow. */
  to: string | null;
  label: string | null;
}

export interface ReportPage {
  name: string;
  status: string;
  campaignType: string;
  launchedAt: Date | null;
  asOf: Date;
  timezone: string;
  granularity: 'day' | 'week';
  totals: DetailedCounts & Rates;
  periods: readonly PeriodReport[];
  enrolled: number;
  completed: number;
  firstStepId: string | null;
  /** Of the live version, with their ways; those of former versions follow as numbers only. */
  steps: readonly (StepReport & { ways: PageWay[] })[];
  formerSteps: readonly StepReport[];
  links: readonly LinkReportDto[];
  hasMoreLinks: boolean;
  tests: readonly TestedStepReportDto[];
  sentHours: readonly HourCell[];
  eventHours: readonly HourCell[];
}

/** In one piece, because the policy names it by its hash, blanks and all. */
const STYLE_ELEMENT = markup(`<style>${STYLE}</style>`);
const START = 'start';
const END = 'end';
const rateText = (rate: number | null): string => (rate === null ? '–' : `${rate.toLocaleString('en')} %`);
const plain = (word: string): string => word.replaceAll('_', ' ');
/** Addresses longer than this lose their middle. */
const MOST_OF_A_URL = 140;
/** Where at least this share of the sent messages neither arrived nor bounced as far as is known, the reader has to be told. */
const UNHEARD_OF = 0.05;

/** The whole report as one document that needs nothing else. */
export function reportPage(page: ReportPage): string {
  return documentOf(
    `${page.name} – report`,
    html`${[head(page), headline(page), overTime(page), flow(page), links(page), tests(page), week(page)]}
      <footer>
        Rates are over delivered messages (delivery: over sent ones). Opened and clicked count messages once, and people only; what mail
        proxies and scanners fetch is left out unless said.
      </footer>`,
  );
}

/** For whoever opens a link that shows nothing (any more): they look at it in a browser. */
export function noReportPage(): string {
  return documentOf(
    'No report here',
    html`<header>
      <p class="eyebrow">Campaign report</p>
      <h1>This link is not valid any more</h1>
      <p class="muted">It has expired, or is not complete. Ask whoever sent it for a new one.</p>
    </header>`,
  );
}

function documentOf(title: string, content: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html> `.text;
}

function head({ name, status, campaignType, launchedAt, asOf, timezone }: ReportPage): Html {
  const when = (at: Date) => at.toLocaleString('en-GB', { timeZone: timezone, dateStyle: 'medium', timeStyle: 'short' });
  return html`<header>
    <p class="eyebrow">Campaign report</p>
    <h1 dir="auto">${name}</h1>
    <p class="muted">
      <span class="pill">${plain(status)}</span> ${plain(campaignType)} ·
      ${launchedAt ? `launched ${when(launchedAt)}` : 'not launched yet'} · as of ${when(asOf)} (${timezone})
    </p>
  </header>`;
}

function headline({ totals: t }: ReportPage): Html {
  const unheard = t.emailsSent - t.emailsDelivered - t.emailsBounced;
  const warning = html`<p class="note">
    Of ${number(unheard)} sent messages no delivery was reported (yet). Some ways of sending, such as plain SMTP, report none: then only an
    opening, a click or an answer proves that a message arrived, and rates over delivered messages are higher than they should be.
  </p>`;
  const cards: [string, number, string, number, number, string][] = [
    ['Sent', t.emailsSent, t.emailsBounced === 1 ? '1 bounced' : `${number(t.emailsBounced)} bounced`, t.emailsSent, t.emailsSent, 'sent'],
    ['Delivered', t.emailsDelivered, `${rateText(t.deliveryRate)} of sent`, t.emailsDelivered, t.emailsSent, 'good'],
    ['Opened', t.uniqueOpens, rateText(t.openRate), t.uniqueOpens, t.emailsDelivered, 'open'],
    ['Clicked', t.uniqueClicks, rateText(t.clickRate), t.uniqueClicks, t.emailsDelivered, 'click'],
    ['Unsubscribed', t.unsubscribes, rateText(t.unsubscribeRate), t.unsubscribes, t.emailsDelivered, 'bad'],
  ];
  return html`<div class="kpis">
      ${cards.map(
        ([name, value, sub, part, whole, tone]) =>
          html`<div class="kpi">
            <div class="name">${name}</div>
            <div class="big">${number(value)}</div>
            <div class="sub">${sub}</div>
            ${meter(part, whole, tone)}
          </div>`,
      )}
    </div>
    ${unheard > t.emailsSent * UNHEARD_OF && warning}`;
}

function overTime({ periods, granularity }: ReportPage): Html {
  const day = (date: string, options: Intl.DateTimeFormatOptions) =>
    new Date(`${date}T12:00:00Z`).toLocaleDateString('en-GB', { timeZone: 'UTC', ...options });
  const labels = periods.map(({ date }) => day(date, { day: 'numeric', month: 'short', year: 'numeric' }));
  const ticks = periods.map(({ date }) => day(date, { day: 'numeric', month: 'short' }));
  const chart = (title: string, tone: string, key: 'emailsSent' | 'uniqueOpens' | 'uniqueClicks') =>
    html`<figure>
      <figcaption>${title}</figcaption>
      ${barChart({ title: `${title} by ${granularity}`, tone, labels, ticks, values: periods.map((period) => period[key]) })}
    </figure>`;
  const rows = periods.map(
    (p, index) =>
      html`<tr>
        <td>${labels[index]}</td>
        ${[p.emailsSent, p.emailsDelivered, p.emailsBounced, p.uniqueOpens, p.uniqueClicks, p.replies, p.unsubscribes].map((value) => html`<td class="n">${number(value)}</td>`)}
      </tr>`,
  );
  return html`<section>
    <h2>Over time</h2>
    <p class="lead">
      ${labels[0]} to ${labels.at(-1)}, by ${granularity}${granularity === 'week' ? ' (from its Monday)' : ''}, when it happened. Each chart
      has a scale of its own.
    </p>
    ${chart('Sent', 'sent', 'emailsSent')}${chart('Opened', 'open', 'uniqueOpens')}${chart('Clicked', 'click', 'uniqueClicks')}
    <details>
      <summary>Show as a table</summary>
      ${scroll(
        'The numbers over time',
        html`<table>
          <thead>
            <tr>
              <th scope="col">${granularity === 'day' ? 'Day' : 'Week from'}</th>
              ${['Sent', 'Delivered', 'Bounced', 'Opened', 'Clicked', 'Replied', 'Unsubscribed'].map((name) => html`<th scope="col" class="n">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>`,
      )}
    </details>
  </section>`;
}

function flow(page: ReportPage): Html {
  const { steps, formerSteps, enrolled, completed, firstStepId } = page;
  const known = new Set(steps.map(({ stepId }) => stepId));
  const target = (to: string | null): string => (to !== null && known.has(to) ? to : END);
  const rows = layLanes([
    { id: START, ways: [target(firstStepId)] },
    ...steps.map(({ stepId, ways }) => ({ id: stepId, ways: ways.map(({ to }) => target(to)) })),
    { id: END, ways: [] },
  ]);
  const laneCount = 1 + Math.max(...rows.flatMap(({ lane, through, splits, merges }) => [lane, ...through, ...splits, ...merges]));
  const byId = new Map(steps.map((step) => [step.stepId, step]));
  const ways = (id: string) =>
    steps.flatMap((step) => step.ways.flatMap(({ to, label }) => (target(to) === id && label !== null && id !== END ? [label] : [])));
  const item = (row: LaneRow): Html => {
    const step = byId.get(row.id);
    const body = step
      ? stepBody(step, ways(row.id), enrolled)
      : edgeBody(row.id === START ? 'Enrolled' : 'Completed', row.id === START ? enrolled : completed, enrolled);
    return html`<li>
      ${rail(row, laneCount)}
      <div class="step">${body}</div>
    </li>`;
  };
  const former = formerSteps.map(
    (step) =>
      html`<li>
        <div></div>
        <div class="step">${stepBody(step, [`version ${step.version}`], enrolled)}</div>
      </li>`,
  );
  return html`<section>
    <h2>The way through</h2>
    <p class="lead">Contacts who came to each step since the launch, and what became of its mail.</p>
    <ol class="flow">
      ${rows.map(item)}
    </ol>
    ${
      former.length > 0 &&
      html`<h3>Steps of former versions</h3>
        <ol class="flow">
          ${former}
        </ol>`
    }
  </section>`;
}

function edgeBody(name: string, value: number, enrolled: number): Html {
  return html`<div class="row">
      <h3>${name}</h3>
      ${people(value, enrolled)}
    </div>
    ${meter(value, enrolled, name === 'Completed' ? 'good' : 'sent')}`;
}

function people(value: number | null, enrolled: number): Html {
  const share = value === null ? null : percent(value, enrolled);
  return html`<span class="count"
    >${value === null ? html`<small>not known</small>` : number(value)}${share !== null && html` <small>${share.toLocaleString('en', { maximumFractionDigits: 1 })} %</small>`}</span
  >`;
}

function stepBody(step: StepReport, ways: string[], enrolled: number): Html {
  const fact = (label: string, value: string | number, tone = '') => html`<span class="${tone}"><b>${value}</b> ${label}</span>`;
  const some = (label: string, value: number, tone = '') => value > 0 && fact(label, number(value), tone);
  const mail = step.stepType === 'email' && [
    fact('sent', number(step.emailsSent)),
    fact('delivered', rateText(step.deliveryRate)),
    fact('opened', rateText(step.openRate)),
    fact('clicked', rateText(step.clickRate)),
    some('bounced', step.bounces, 'bad'),
    some('skipped', step.skipped),
    some('failed', step.failed, 'bad'),
  ];
  return html`<div class="row">
      <div>
        <h3 dir="auto">${step.stepName ?? `Step ${step.stepOrder}`}</h3>
        <span class="muted">${plain(step.stepType)}</span> ${ways.map((way) => html`<span class="pill way" dir="auto">${way}</span> `)}
      </div>
      ${people(step.entered, enrolled)}
    </div>
    ${meter(step.entered ?? 0, enrolled, 'open')}
    <div class="facts">
      ${mail}${some('here now', step.waitingNow)}${some('left', step.exited)}${some('failed here', step.contactsFailed, 'bad')}
    </div>`;
}

function links({ links: found, hasMoreLinks }: ReportPage): Html {
  const rows = found.map(
    (link) =>
      html`<tr>
        <td class="url">
          <bdi>${link.url === null ? 'An address that was erased' : shortened(link.url)}</bdi>
          <div class="muted wide" dir="auto">${link.stepName ?? (link.stepOrder === null ? '' : `Step ${link.stepOrder}`)}</div>
        </td>
        <td class="n">${number(link.people)}</td>
        <td class="n">${number(link.humanClicks)}</td>
        <td class="n wide">${number(link.machineClicks)}</td>
        <td class="n">${rateText(link.share)}</td>
        <td class="bar wide">${meter(link.share ?? 0, 100, 'click')}</td>
      </tr>`,
  );
  const table = scroll(
    'Links',
    html`<table>
      <thead>
        <tr>
          <th scope="col">Link</th>
          <th scope="col" class="n">People</th>
          <th scope="col" class="n">Clicks</th>
          <th scope="col" class="n wide">By machines</th>
          <th scope="col" class="n">Share</th>
          <td class="wide"></td>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  );
  const lead = `${hasMoreLinks ? `The ${found.length} links most people followed; the` : 'The'} share is of all clicks by people.`;
  return html`<section>
    <h2>Links</h2>
    ${
      found.length === 0
        ? html`<p class="empty">Nobody has followed a link yet.</p>`
        : html`<p class="lead">${lead}</p>
            ${table}`
    }
  </section>`;
}

/** Whoever has no mouse scrolls a wide table by the keyboard. */
function scroll(label: string, table: Html): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`;
}

function shortened(url: string): string {
  return url.length <= MOST_OF_A_URL ? url : `${url.slice(0, 100)} … ${url.slice(103 - MOST_OF_A_URL)}`;
}

function tests({ tests: tested }: ReportPage): Html | null {
  if (tested.length === 0) return null;
  return html`<section>
    <h2>Variants</h2>
    <p class="lead">The dot is the rate, the bar where its true value lies with a probability of 95 %.</p>
    ${tested.map(test)}
  </section>`;
}

function test({ stepName, stepOrder, metric, variants, decision, waiting }: TestedStepReportDto): Html {
  const max = Math.max(0.01, ...variants.map(({ credibleInterval, trials }) => (trials > 0 ? credibleInterval.high : 0)));
  const rows = variants.map((variant) => {
    const isWinner = decision?.winnerVariantId === variant.variantId;
    const { low, high } = variant.credibleInterval;
    const per = (value: number | null) => (value === null ? '–' : `${(value * 100).toFixed(1)} %`);
    return html`<tr>
      <td class="url"><b dir="auto">${variant.name}</b> ${isWinner && html`<span class="pill win">Winner</span>`}</td>
      <td class="n">${number(variant.successes)} of ${number(variant.trials)}</td>
      <td class="n">${per(variant.rate)}</td>
      <td class="bar wide">${variant.trials > 0 && whisker(variant.rate, low, high, max, isWinner ? 'good' : 'open')}</td>
      <td class="n wide">${variant.trials > 0 ? `${per(low)} – ${per(high)}` : '–'}</td>
      <td class="n">${variant.trials > 0 ? per(variant.probabilityToBeBest) : '–'}</td>
    </tr>`;
  });
  const note = decision?.reason ?? (decision?.status === 'testing' ? 'The test goes on.' : null);
  return html`<div class="test">
    <h3><bdi>${stepName ?? `Step ${stepOrder}`}</bdi> <span class="muted">by ${plain(metric)}</span></h3>
    ${scroll(
      `Variants of ${stepName ?? `step ${stepOrder}`}`,
      html`<table>
        <thead>
          <tr>
            <th scope="col">Variant</th>
            <th scope="col" class="n">Counted</th>
            <th scope="col" class="n">Rate</th>
            <td class="wide"></td>
            <th scope="col" class="n wide">95 % interval</th>
            <th scope="col" class="n">Chance to be best</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>`,
    )}
    ${(note !== null || waiting > 0) && html`<p class="note">${note} ${waiting > 0 && `${number(waiting)} wait for the winner.`}</p>`}
  </div>`;
}

function week({ sentHours, eventHours, timezone }: ReportPage): Html {
  return html`<section>
    <h2>The hours of the week</h2>
    <p class="lead">By the clock of ${timezone}; the darker, the more.</p>
    <div class="pair">
      ${heatMap('Sent', 'sent', sentHours, ({ emailsSent }) => emailsSent)}${heatMap('Opened', 'open', eventHours, ({ uniqueOpens }) => uniqueOpens)}
    </div>
  </section>`;
}
