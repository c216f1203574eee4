import fc from 'fast-check';
import { rows } from '../../src/database/index.js';
import { compileEventFilter, validateEventFilter, type ContactFacts, type EventFilter } from '../../src/modules/segments/index.js';
import { evaluateAttribute } from '../../src/modules/segments/domain/attribute-evaluator.js';
import { attributeRule, attributesArbitrary, RULE_NOW } from '../support/rule-arbitraries.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';

const SEED = 20_260_310;
const leaf = attributeRule.map(({ attribute, operator, value }): EventFilter => ({ property: attribute, operator, value }));
const filterArbitrary = fc.letrec<{ filter: EventFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2 },
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: fc.record({ all: fc.array(tie('filter'), { maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ any: fc.array(tie('filter'), { maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ not: tie('filter') }) },
  ),
})).filter;

/** What a filter means, by the evaluator of rules: properties are like custom attributes, whatever their names. */
function holds(filter: EventFilter, properties: Record<string, unknown>): boolean {
  if ('all' in filter) return filter.all.every((part) => holds(part, properties));
  if ('any' in filter) return filter.any.some((part) => holds(part, properties));
  if ('not' in filter) return !holds(filter.not, properties);
  const { property, operator, value } = filter;
  // A prefix keeps the names of contact fields from meaning the contact's.
  const facts = { attributes: Object.fromEntries(Object.entries(properties).map(([name, own]) => [`_${name}`, own])) } as ContactFacts;
  return evaluateAttribute({ type: 'contact_attribute', attribute: `_${property}`, operator, value }, facts, RULE_NOW);
}

describe('an event filter as SQL', () => {
  let database: OpenTestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database?.drop());

  it('lets the same events through as rules let contacts with these attributes, and never fails', async () => {
    const events = fc.sample(attributesArbitrary, { seed: SEED, numRuns: 150 });
    await fc.assert(
      fc.asyncProperty(filterArbitrary, async (filter) => {
        expect(validateEventFilter(filter, 'filter')).toEqual([]);
        const predicate = compileEventFilter(filter, { eventAlias: 'ev', firstParam: 2, now: RULE_NOW });
        const found = await database.db.asSystem((tx) =>
          rows<{ n: number }>(
            tx,
            `SELECT n::int - 1 AS n FROM (SELECT value AS properties, n FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e (value, n)) ev
              WHERE ${predicate.sql} ORDER BY 1`,
            [JSON.stringify(events), ...predicate.params],
          ),
        );
        expect(found.map(({ n }) => n)).toEqual(events.flatMap((properties, n) => (holds(filter, properties) ? [n] : [])));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
