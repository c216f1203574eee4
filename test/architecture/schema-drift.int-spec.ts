import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';

describe('the entities', () => {
  let database: OpenTestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.drop());

  it('mirror the migrated schema: columns, keys, checks and indexes by name', async () => {
    const drift = await database.dataSource.driver.createSchemaBuilder().log();
    expect(drift.upQueries.map(({ query }) => query)).toEqual([]);
  });
});
