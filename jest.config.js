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
  // Nest 12 and jose are ES modules only. On Node 20, jest needs them as CommonJS, so packages are transformed too.
  transform: { '^.+\\.(ts|js|mjs)$': transform },
  transformIgnorePatterns: [],
};

const moduleNameMapper = {
  '^(\\.{1,2}/.*)\\.js$': '$1',
  '^nest-clerk$': '<rootDir>/lib/index.ts',
  '^nest-clerk/testing$': '<rootDir>/lib/testing/index.ts',
};

/** The e2e suites of features that may differ between versions of Nest: HTTP, gateways, and the boot. */
const DEPENDS_ON_NEST = [
  'boot',
  'clerk-errors',
  'clerk-modules',
  'grpc',
  'guard',
  'guard-order',
  'guard-presence',
  'guard-replacement',
  'guard-subclass',
  'handler',
  'mounted-routes',
  'denied-requests',
  'request-auth',
  'streams',
  'truth-table',
  'websocket',
];

/** The suites of packages that need Nest 11, which `test/nest-11` installs. */
const ON_NEST_11_ONLY = ['rabbitmq'];

/** The suites that depend on Nest, run with the Nest packages that are installed in `folder`. */
function onNest(displayName, folder, internal = {}, more = []) {
  return {
    ...project,
    displayName,
    testMatch: [...DEPENDS_ON_NEST, ...more].map((name) => `<rootDir>/test/e2e/${name}.spec.ts`),
    // Applies to the imports between Nest's packages too, so that no other version is loaded.
    moduleNameMapper: {
      ...moduleNameMapper,
      ...internal,
      // All but @nestjs/config, whose one version supports several versions of Nest.
      '^@nestjs/(?!config)([^/]+)(.*)$': `<rootDir>/test/${folder}/node_modules/@nestjs/$1$2`,
    },
  };
}

/** Nest 12 exports these as `@nestjs/core/internal`; in Nest 11 they are in a file of @nestjs/core. */
const internalOfNest11 = (folder) => ({
  '^@nestjs/core/internal$': `<rootDir>/test/${folder}/node_modules/@nestjs/core/helpers/execution-context-host`,
});

/** The lowest versions in the peer range that npm installs: see jest.lowest-nest.config.js. */
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
  // Only for tests that hang. Slow tests are allowed, since CI machines are shared.
  testTimeout: 30_000,
  // A worker with a large heap spends its time on garbage collection, so it is replaced.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '1GB',
  // The coverage of babel and ts-jest has branches for decorators that do not exist in the source; V8's does not.
  coverageProvider: 'v8',
  // The command's main.ts only passes the process to run(); scripts/test-packed.mjs runs it.
  collectCoverageFrom: ['lib/**/*.ts', '!lib/types/**', '!lib/cli/main.ts'],
  coverageThreshold: { global: { lines: 95, branches: 95 } },
};
