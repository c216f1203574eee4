/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testTimeout: 120_000,
  rootDir: '.',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: '\\.(spec|int-spec|e2e-spec)\\.ts$',
  moduleFileExtensions: ['ts', 'js', 'json'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', { swcrc: true }] },
  setupFiles: ['<rootDir>/test/support/property-runs.js'],
  // One embedded PostgreSQL for the whole run: plain JavaScript, because jest compiles a TypeScript globalSetup to CommonJS.
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  maxWorkers: 2,
  // Contexts of ES modules stay in memory: after eighty files a worker holds more than 3 GB and spends its time on collecting garbage. A new one is cheaper.
  workerIdleMemoryLimit: '1GB',
};
