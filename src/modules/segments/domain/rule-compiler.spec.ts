import type { Rule } from './rule.js';
import { compileRule, compileSegment } from './rule-compiler.js';
import { checkSegmentGraph, type SegmentDefinition } from './segment-graph.js';

const OPTIONS = { contactAlias: 'c', firstParam: 2, tenantParam: '$1', now: new Date('2026-01-10T00:00:00Z') };
const NONE = new Map<string, SegmentDefinition>();
const id = (n: number) => `0190a0b1-0000-7000-8000-${String(n).padStart(12, '0')}`;
const segment = (n: number): Rule => ({ type: 'segment', segmentId: id(n) });
const dynamic = (rules: Rule): SegmentDefinition => ({ type: 'dynamic', rules });

describe('compileRule: no value of a user ever stands in the statement', () => {
  it('passes values, attribute names, tags and ids as parameters', () => {
    const evil = `x'); DELETE FROM contacts; --`;
    const rule: Rule = {
      all: [
        { type: 'contact_attribute', attribute: evil, operator: 'eq', value: evil },
        { type: 'contact_attribute', attribute: 'plan', operator: 'in', value: [evil, 7, true] },
        { type: 'contact_attribute', attribute: 'email', operator: 'ends_with', value: evil },
        { type: 'tag', tag: evil },
        { type: 'event', name: evil, atLeast: 2, withinDays: 1 },
        segment(1),
      ],
    };
    const { sql, params } = compileRule(rule, new Map([[id(1), { type: 'static' }]]), OPTIONS);
    expect(sql).not.toContain('DELETE');
    expect(sql).not.toContain(id(1));
    expect(params).toEqual([evil, [evil], 'plan', [evil], [7], [true], evil, evil, new Date('2026-01-09T00:00:00Z'), evil, 2, id(1)]);
    expect(numbersIn(sql)).toEqual([1, ...params.map((_, i) => i + 2)]);
  });

  it('numbers parameters from where it is told', () => {
    const { sql } = compileRule({ type: 'tag', tag: 'vip' }, NONE, { ...OPTIONS, firstParam: 9, tenantParam: '$3' });
    expect(numbersIn(sql)).toEqual([3, 9]);
  });

  it('refuses aliases and placeholders that are not ones', () => {
    const rule: Rule = { all: [] };
    expect(() => compileRule(rule, NONE, { ...OPTIONS, contactAlias: 'c; --' })).toThrow('alias');
    expect(() => compileRule(rule, NONE, { ...OPTIONS, enrollmentAlias: 'rule_email' })).toThrow('alias');
    expect(() => compileRule(rule, NONE, { ...OPTIONS, tenantParam: `'x'` })).toThrow('placeholder');
    expect(() => compileRule(rule, NONE, { ...OPTIONS, firstParam: 0 })).toThrow('firstParam');
  });

  it('writes dynamic segments out, whatever the case of their ids', () => {
    const inlined = compileSegment(id(10).toUpperCase(), new Map([[id(10), dynamic({ type: 'tag', tag: 'vip' })]]), OPTIONS);
    expect(inlined).toEqual(compileRule({ type: 'tag', tag: 'vip' }, NONE, OPTIONS));
  });
});

describe('checkSegmentGraph: what a segment may refer to', () => {
  it('finds a segment that is not there, at the reference that leads to it', () => {
    const definitions = new Map([[id(1), dynamic({ not: segment(2) })]]);
    expect(checkSegmentGraph({ any: [{ all: [] }, segment(1)] }, definitions)).toMatchObject([
      { path: 'rules.any[1].segmentId', code: 'unknown_segment' },
    ]);
  });

  it('finds a cycle of one, of several, and one that does not lead back to the start', () => {
    const definitions = new Map([
      [id(1), dynamic(segment(2))],
      [id(2), dynamic({ all: [segment(3)] })],
      [id(3), dynamic({ not: segment(2) })],
    ]);
    expect(checkSegmentGraph(segment(9), definitions, { self: id(9) })).toMatchObject([{ path: 'rules.segmentId', code: 'segment_cycle' }]);
    expect(checkSegmentGraph(segment(1), definitions)).toMatchObject([{ code: 'segment_cycle' }]);
    expect(checkSegmentGraph(segment(2), new Map([[id(2), dynamic(segment(9))]]), { self: id(9) })).toMatchObject([
      { code: 'segment_cycle' },
    ]);
  });

  it('lets two ways lead to one segment', () => {
    const definitions = new Map<string, SegmentDefinition>([
      [id(1), dynamic(segment(3))],
      [id(2), dynamic(segment(3))],
      [id(3), { type: 'static' }],
    ]);
    expect(checkSegmentGraph({ all: [segment(1), segment(2), segment(3)] }, definitions, { self: id(9) })).toEqual([]);
  });

  it('refuses what multiplies from level to level, quickly', () => {
    const definitions = new Map(
      Array.from({ length: 40 }, (_, level) => [
        id(level),
        dynamic(level === 39 ? { all: [] } : { any: Array<Rule>(49).fill(segment(level + 1)) }),
      ]),
    );
    expect(checkSegmentGraph(segment(0), definitions)).toMatchObject([{ path: 'rules', code: 'too_many_nodes' }]);
  });
});

function numbersIn(sql: string): number[] {
  return [...new Set([...sql.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n)))].sort((a, b) => a - b);
}
