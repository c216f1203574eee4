import { readFileSync } from 'node:fs';
import type { Rule } from '../../src/modules/segments/index.js';

const MANUAL = new URL('../../src/modules/segments/README.md', import.meta.url);
/** When the table is true. */
export const TABLE_NOW = new Date('2026-03-10T12:00:00Z');

export interface RuleTable {
  /** The attributes of one contact for each column. */
  contacts: { title: string; attributes: Record<string, unknown> }[];
  rows: { title: string; rule: Rule; answers: boolean[] }[];
}

/** The table of the manual of rules: what stands there is what the product has to answer. */
export function readRuleTable(): RuleTable {
  const lines = readFileSync(MANUAL, 'utf8').split('\n').filter((line) => line.startsWith('|')); // prettier-ignore
  const [[, , ...columns], , ...rows] = lines.map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim())); // prettier-ignore
  return {
    contacts: columns.map((title) => ({ title, attributes: title === 'missing' ? {} : { x: literal(title) } })),
    rows: rows.map(([operator, value, ...cells]) => {
      const title = `${operator} ${value}`;
      if (cells.length !== columns.length || cells.some((cell) => cell !== 'yes' && cell !== '·')) throw new Error(`Bad row: ${title}`);
      const given = value === '' ? {} : { value: literal(value) };
      const rule = { type: 'contact_attribute', attribute: 'x', operator: operator.slice(1, -1), ...given } as Rule;
      return { title, rule, answers: cells.map((cell) => cell === 'yes') };
    }),
  };
}

function literal(cell: string): unknown {
  return JSON.parse(cell.slice(1, -1));
}
