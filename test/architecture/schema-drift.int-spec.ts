import { DataSource } from 'typeorm';
import { buildDataSourceOptions } from '../../src/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

describe('the entities', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('mirror the migrated schema: columns, keys, checks and indexes by name', async () => {
    // The catalogue shows a column to those only who may use it.
    const owner = await new DataSource(buildDataSourceOptions(database.ownerUrl)).initialize();
    try {
      const drift = await owner.driver.createSchemaBuilder().log();
      expect(drift.upQueries.map(({ query }) => query)).toEqual([]);
    } finally {
      await owner.destroy();
    }
  });
});
