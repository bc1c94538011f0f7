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
  setupFiles: ['<rootDir>/test/support/quiet-clerk.ts'],
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
const DEPENDS_ON_NEST = [
  'boot',
  'clerk-errors',
  'clerk-modules',
  'grpc',
  'guard',
  'guard-order',
  'guard-presence',
  'guard-replacement',
  'handler',
  'mounted-routes',
  'refusals',
  'request-auth',
  'streams',
  'truth-table',
  'websocket',
];

/** What needs a package that works with Nest 11 only, which `test/nest-11` installs. */
const ON_NEST_11_ONLY = ['rabbitmq'];

/** The suites that depend on Nest, with every package of Nest taken from `folder`, where that version has one. */
function onNest(displayName, folder, internal = {}, more = []) {
  return {
    ...project,
    displayName,
    testMatch: [...DEPENDS_ON_NEST, ...more].map((name) => `<rootDir>/test/e2e/${name}.spec.ts`),
    // Nest's packages find each other by these names too, so that nothing of another version is loaded.
    moduleNameMapper: {
      ...moduleNameMapper,
      ...internal,
      // One version of this package serves several of Nest.
      '^@nestjs/(?!config)([^/]+)(.*)$': `<rootDir>/test/${folder}/node_modules/@nestjs/$1$2`,
    },
  };
}

/** Where Nest 11 keeps what Nest 12 exports as `@nestjs/core/internal`. */
const internalOfNest11 = (folder) => ({
  '^@nestjs/core/internal$': `<rootDir>/test/${folder}/node_modules/@nestjs/core/helpers/execution-context-host`,
});

/** The lowest versions that the peer range admits and npm installs: see jest.lowest-nest.config.js. */
export const LOWEST_NEST = [
  onNest('Nest 11, lowest', 'nest-11-lowest', internalOfNest11('nest-11-lowest')),
  onNest('Nest 12, lowest', 'nest-12-lowest'),
];

/** @type {import('jest').Config} */
export default {
  projects: [
    {
      ...project,
      displayName: 'Nest 12',
      moduleNameMapper,
      testPathIgnorePatterns: ['/node_modules/', ...ON_NEST_11_ONLY.map((name) => `/e2e/${name}\\.spec\\.ts$`)],
    },
    onNest('Nest 11', 'nest-11', internalOfNest11('nest-11'), ON_NEST_11_ONLY),
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
