import tseslint from 'typescript-eslint';

/** The layers of lib/, from the bottom up: a layer imports only from those before it. ARCHITECTURE.md says why. */
const LAYERS = [
  'errors',
  'options',
  'client',
  'authentication',
  'policy',
  'transports',
  'decorators',
  'connections',
  'guard',
  'filters',
  'http',
  'protection-map',
];

/** The layers within `authentication/`, likewise. */
const LAYERS_OF_AUTHENTICATION = ['identity', 'keys', 'cache', 'lanes', 'instances'];

/** Beside or above the layers, which do not depend on it. */
const OUTSIDE = ['testing', 'types', 'cli'];

/** The entry files of lib/ compose all layers; nothing below may import them. */
const ENTRY_FILES = String.raw`(?:index|clerk\.module|clerk\.module-definition)\.js$`;

const CLIMBS = 'This import points upward: a layer of lib/ imports only from the layers below it. See ARCHITECTURE.md.';

/** `no-restricted-imports` of one layer: no import that points upward, and whatever else the layer must not import. */
function imports(climbing, { paths = [], patterns = [] } = {}) {
  return {
    'no-restricted-imports': 'off',
    '@typescript-eslint/no-restricted-imports': ['error', { paths, patterns: [...climbing, ...patterns] }],
  };
}

/**
 * The layers that files of another may not import. A folder's name alone is ambiguous: `transports/http/` is another layer
 * than `http/`.
 *
 * @param depth How many folders below lib/ the importing file is.
 */
const above = (layers, depth) => [
  { regex: `^${'\\.\\./'.repeat(depth)}(?:(?:${layers.join('|')})/|${ENTRY_FILES})`, message: CLIMBS },
];

const layerRules = LAYERS.flatMap((layer, floor) => {
  const upper = [...LAYERS.slice(floor + 1), ...OUTSIDE];
  return [
    { files: [`lib/${layer}/*.ts`], rules: imports(above(upper, 1)) },
    { files: [`lib/${layer}/*/*.ts`], rules: imports(above(upper, 2)) },
  ];
});

const authenticationRules = LAYERS_OF_AUTHENTICATION.map((layer, floor) => ({
  files: [`lib/authentication/${layer}/*.ts`],
  rules: imports([
    ...above([...LAYERS.slice(LAYERS.indexOf('authentication') + 1), ...OUTSIDE], 2),
    ...(floor + 1 < LAYERS_OF_AUTHENTICATION.length ? above(LAYERS_OF_AUTHENTICATION.slice(floor + 1), 1) : []),
  ]),
}));

/** What decides must stay a pure function over plain data. */
const PURE = {
  patterns: [
    {
      group: ['@nestjs/*', '@clerk/*', 'jose', 'node:*'],
      allowTypeImports: true,
      message: 'The decision is pure: neither Nest, nor Clerk, nor I/O at run time.',
    },
  ],
};

const ONLY_ENTRIES = 'The command uses what users can import: the entries index.js and testing/index.js.';

/** Each package that only some part of lib/ may know. */
const ONLY_ROOTS = ['@nestjs/common/*', '@nestjs/core/*'];

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'coverage/', 'test/packed/bundle/', 'test/packed/src/'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      'max-lines': ['error', { max: 200, skipBlankLines: false, skipComments: false }],
      'no-restricted-imports': ['error', { patterns: [{ group: ONLY_ROOTS, message: 'Import package roots only.' }] }],
    },
  },
  ...layerRules,
  ...authenticationRules,
  {
    files: [
      'lib/policy/{applicability,authentication-denial,authorize,compile-policy,conditions,decide,decision,policy-problems,requirement,route-policy}.ts',
    ],
    rules: imports(above(LAYERS.slice(LAYERS.indexOf('policy') + 1), 1), PURE),
  },
  {
    // Stands alone: the core never imports it, and it imports nothing of the core.
    files: ['lib/testing/local-clerk/**/*.ts'],
    rules: imports(
      [
        {
          group: [
            ...[...LAYERS, 'types', 'cli'].map((layer) => `**/${layer}/**`),
            '**/index.js',
            '**/clerk.module*.js',
          ],
          message: CLIMBS,
        },
      ],
      {
        patterns: [
          {
            group: ['test-auth-objects', 'made-up-options', 'protection-snapshot', 'test-caller', 'testing.error'].map(
              (name) => `**/${name}.js`,
            ),
            message:
              'This import points upward: the local Clerk stands alone, and these import the core. See ARCHITECTURE.md.',
          },
        ],
      },
    ),
  },
  {
    // What users test their applications with may know all of the core, but not the command above it.
    files: ['lib/testing/*.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['**/cli/**', '**/types/**'], message: 'This import points upward. See ARCHITECTURE.md.' },
          ],
        },
      ],
    },
  },
  {
    // The command has no more than users have: the two entries.
    files: ['lib/cli/**/*.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ group: [...LAYERS, 'types'].map((layer) => `**/${layer}/**`), message: ONLY_ENTRIES }] },
      ],
    },
  },
  {
    // Users type far-fetched things; tests have to as well.
    files: ['test/**/*.ts', 'sample/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    // jest loads its runner and sequencer by require(); as ES modules they would exist twice.
    files: ['test/mutation/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // The reference line is the thing under test.
    files: ['test/types/**/*.ts'],
    rules: { '@typescript-eslint/triple-slash-reference': 'off' },
  },
);
