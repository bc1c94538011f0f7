const transform = [
  '@swc/jest',
  {
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
  },
];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // A bound for what hangs, not for what is slow: machines that run this are shared.
  testTimeout: 30_000,
  // A worker that has grown large collects garbage instead of testing: another takes its place.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '1GB',
  roots: ['<rootDir>/test'],
  // Nest 12 and jose ship ES modules only; on Node 20 jest needs them as CommonJS, hence no ignored path.
  transform: { '^.+\\.(ts|js|mjs)$': transform },
  transformIgnorePatterns: [],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nest-clerk$': '<rootDir>/lib/index.ts',
    '^nest-clerk/testing$': '<rootDir>/lib/testing/index.ts',
  },
  // babel and ts-jest report phantom branches on decorators; V8 counts what ran.
  coverageProvider: 'v8',
  // The command's main.ts only hands the process to run(); scripts/test-packed.mjs spawns it.
  collectCoverageFrom: ['lib/**/*.ts', '!lib/types/**', '!lib/cli/main.ts'],
  coverageThreshold: { global: { lines: 95, branches: 95 } },
};
