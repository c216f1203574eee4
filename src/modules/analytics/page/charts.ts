import { niceMax, shadeOf, tickPlaces, widthOf } from '../domain/chart-scale.js';
import type { HourCell } from '../domain/heat-map.js';
import type { LaneRow } from '../domain/flow-lanes.js';
import { html, type Html } from './html.js';

// Lengths across are per cent and lengths down are pixels, so that the charts fill any width and their letters keep their size.

const NUMBER = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
export const number = (value: number): string => NUMBER.format(value);
const compact = (value: number): string => COMPACT.format(value);
const fixed = (value: number): string => String(Math.round(value * 1000) / 1000);

const AXIS = 8;
const TOP = 10;

export interface Bars {
  title: string;
  tone: string;
  /** What each bar is: `25 Dec 2029`. */
  labels: string[];
  /** As the axis names them. */
  ticks: string[];
  values: number[];
}

/** Upright bars over time with an axis at the left. */
export function barChart({ title, tone, labels, ticks, values }: Bars, height = 104): Html {
  const max = niceMax(Math.max(0, ...values));
  const slot = (100 - AXIS) / Math.max(1, values.length);
  const bars = values.map((value, index) => {
    const tall = Math.max(value > 0 ? 2 : 0, (value / max) * height);
    if (tall === 0) return null;
    const wide = Math.min(slot * 0.76, 6);
    const x = AXIS + slot * index + (slot - wide) / 2;
    return html`<rect
      class="${tone}"
      x="${fixed(x)}%"
      y="${fixed(TOP + height - tall)}"
      width="${fixed(wide)}%"
      height="${fixed(tall)}"
      rx="1.5"
      ><title>${labels[index]}: ${number(value)}</title></rect
    >`;
  });
  const lines = [0, 0.5, 1].map((part) => {
    const y = TOP + height * (1 - part);
    return html`<line class="grid" x1="${AXIS}%" x2="100%" y1="${y}" y2="${y}" /><text
        class="axis"
        x="${AXIS - 1.2}%"
        y="${y + 3.5}"
        text-anchor="end"
        >${compact(max * part)}</text
      >`;
  });
  const marks = tickPlaces(values.length, 4).map((place, index, all) => {
    const isCrowded = values.length > 14;
    const isFirst = isCrowded && index === 0;
    const isLast = isCrowded && index === all.length - 1;
    const x = isFirst ? AXIS : isLast ? 100 : AXIS + slot * (place + 0.5);
    return html`<text class="axis" x="${fixed(x)}%" y="${TOP + height + 18}" text-anchor="${isFirst ? 'start' : isLast ? 'end' : 'middle'}"
      >${ticks[place]}</text
    >`;
  });
  const total = values.reduce((sum, value) => sum + value, 0);
  const desc = `${number(total)} in all, at most ${number(Math.max(0, ...values))} at a time; every number is in the table below.`;
  return html`<svg class="chart" width="100%" height="${TOP + height + 24}" role="img" aria-label="${title}: ${desc}">
    <title>${title}</title>
    <desc>${desc}</desc>
    ${lines}${bars}${marks}
  </svg>`;
}

/** A thin bar that is filled so far. */
export function meter(part: number, whole: number, tone: string): Html {
  return html`<svg class="meter" width="100%" height="6" aria-hidden="true">
    <rect class="track" width="100%" height="6" rx="3" />
    ${part > 0 && html`<rect class="${tone}" width="${widthOf(part, whole)}%" height="6" rx="3" />`}
  </svg>`;
}

/** A week of hours in shades. */
export function heatMap(title: string, tone: string, hours: readonly HourCell[], value: (cell: HourCell) => number): Html {
  const max = Math.max(0, ...hours.map(value));
  const best = hours.reduce((top, cell) => (value(cell) > value(top) ? cell : top), hours[0]);
  const wide = (100 - AXIS) / 24;
  const cells = hours.map((cell) => {
    const shade = shadeOf(value(cell), max, 5);
    return html`<rect
      class="${shade === 0 ? 'track' : `${tone} s${shade}`}"
      x="${fixed(AXIS + wide * cell.hour)}%"
      y="${(cell.weekday - 1) * 21}"
      width="${fixed(wide * 0.9)}%"
      height="19"
      rx="2"
      ><title>${WEEKDAYS[cell.weekday - 1]} ${cell.hour}:00: ${number(value(cell))}</title></rect
    >`;
  });
  const days = WEEKDAYS.map((day, index) => html`<text class="axis" x="0" y="${index * 21 + 13}">${day}</text>`);
  const marks = [0, 6, 12, 18].map((hour) => html`<text class="axis" x="${fixed(AXIS + wide * hour)}%" y="163">${hour}:00</text>`);
  const desc = max === 0 ? 'Nothing yet.' : `Most on ${WEEKDAYS[best.weekday - 1]} at ${best.hour}:00 (${number(max)}).`;
  return html`<figure>
    <figcaption>${title} <span class="muted">${desc}</span></figcaption>
    <svg class="chart" width="100%" height="170" role="img" aria-label="${title}. ${desc}">
      <title>${title}</title>
      <desc>${desc}</desc>
      ${cells}${days}${marks}
    </svg>
  </figure>`;
}

/** A rate and where its true value may lie, on a scale that ends at `max`. */
export function whisker(rate: number | null, low: number, high: number, max: number, tone: string): Html {
  const at = (value: number) => `${fixed(2 + widthOf(value, max) * 0.96)}%`;
  return html`<svg class="meter" width="100%" height="18" aria-hidden="true">
    <line class="grid" x1="2%" x2="98%" y1="9" y2="9" />
    <line class="range ${tone}" x1="${at(low)}" x2="${at(high)}" y1="9" y2="9" />
    ${rate !== null && html`<circle class="${tone}" cx="${at(rate)}" cy="9" r="5" />`}
  </svg>`;
}

const NODE = 27;

/** The lanes beside one row of the flow; as tall as the row is. */
export function rail({ lane, through, merges, splits, goesOn }: LaneRow, laneCount: number): Html {
  const step = Math.min(18, 108 / laneCount);
  const x = (index: number): number => 9 + index * step;
  const own = x(lane);
  const curves = [
    ...merges.filter((index) => index !== lane).map((index) => `M${x(index)} 0C${x(index)} 16 ${own} 8 ${own} ${NODE}`),
    ...splits.map((index) => `M${own} ${NODE}C${own} 48 ${x(index)} 40 ${x(index)} 58`),
  ];
  const line = (at: number, from: number | string, to: number | string) => html`<line x1="${at}" x2="${at}" y1="${from}" y2="${to}" />`;
  return html`<svg class="rail" width="${fixed(18 + (laneCount - 1) * step)}" height="100%" aria-hidden="true">
    ${through.map((index) => line(x(index), 0, '100%'))}${
      merges.includes(lane) && line(own, 0, NODE)
    }${goesOn && line(own, NODE, '100%')}${splits.map((index) => line(x(index), 58, '100%'))}${curves.map((d) => html`<path d="${d}" />`)}
    <circle cx="${own}" cy="${NODE}" r="5.5" />
  </svg>`;
}
