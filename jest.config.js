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

const project = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  // Nest 12 and jose ship ES modules only; on Node 20 jest needs them as CommonJS, hence no ignored path.
  transform: { '^.+\\.(ts|js|mjs)$': transform },
  transformIgnorePatterns: [],
};

const moduleNameMapper = {
  '^(\\.{1,2}/.*)\\.js$': '$1',
  '^nest-clerk$': '<rootDir>/lib/index.ts',
  '^nest-clerk/testing$': '<rootDir>/lib/testing/index.ts',
};

/** What may differ between the versions of Nest: HTTP, gateways, and the boot. */
const ALSO_ON_NEST_11 = ['boot', 'guard', 'handler', 'refusals', 'streams', 'truth-table', 'websocket'];

/** @type {import('jest').Config} */
export default {
  projects: [
    { ...project, displayName: 'Nest 12', moduleNameMapper },
    {
      ...project,
      displayName: 'Nest 11',
      testMatch: ALSO_ON_NEST_11.map((name) => `<rootDir>/test/e2e/${name}.spec.ts`),
      // Nest's packages find each other by these names too, so that nothing of Nest 12 is loaded.
      moduleNameMapper: {
        ...moduleNameMapper,
        '^@nestjs/core/internal$': '<rootDir>/test/nest-11/node_modules/@nestjs/core/helpers/execution-context-host',
        '^@nestjs/([^/]+)(.*)$': '<rootDir>/test/nest-11/node_modules/@nestjs/$1$2',
      },
    },
  ],
  // A bound for what hangs, not for what is slow: machines that run this are shared.
  testTimeout: 30_000,
  // A worker that has grown large collects garbage instead of testing: another takes its place.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '1GB',
  // babel and ts-jest report phantom branches on decorators; V8 counts what ran.
  coverageProvider: 'v8',
  // The command's main.ts only hands the process to run(); scripts/test-packed.mjs spawns it.
  collectCoverageFrom: ['lib/**/*.ts', '!lib/types/**', '!lib/cli/main.ts'],
  coverageThreshold: { global: { lines: 95, branches: 95 } },
};
