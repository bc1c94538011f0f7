import tseslint from 'typescript-eslint';

/** The layers of lib/, from the bottom up. A layer may only import from those before it: see ARCHITECTURE.md. */
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

/** The layers of `authentication/`, in the same order. */
const LAYERS_OF_AUTHENTICATION = ['identity', 'keys', 'cache', 'lanes', 'instances'];

/** Folders outside of the layers. No layer may import them. */
const OUTSIDE = ['testing', 'types', 'cli'];

/** The entry files of lib/ compose the layers. No layer may import them. */
const ENTRY_FILES = String.raw`(?:index|clerk\.module|clerk\.module-definition)\.js$`;

const POINTS_UPWARD =
  'This import points upward: a layer of lib/ imports only from the layers below it. See ARCHITECTURE.md.';

/** `no-restricted-imports` for a layer: the imports that point upward, and others that the layer must not have. */
function restrictImports(upward, { patterns = [] } = {}) {
  return {
    'no-restricted-imports': 'off',
    '@typescript-eslint/no-restricted-imports': ['error', { patterns: [...upward, ...patterns] }],
  };
}

/**
 * Patterns for imports of the given layers and of the entry files. They match relative paths from the root of lib/, since
 * the name of a folder is ambiguous: `transports/http/` belongs to another layer than `http/`.
 *
 * @param depth How many folders below lib/ the importing file is.
 */
const importsOf = (layers, depth) => [
  { regex: `^${'\\.\\./'.repeat(depth)}(?:(?:${layers.join('|')})/|${ENTRY_FILES})`, message: POINTS_UPWARD },
];

const layerRules = LAYERS.flatMap((layer, level) => {
  const upper = [...LAYERS.slice(level + 1), ...OUTSIDE];
  return [
    { files: [`lib/${layer}/*.ts`], rules: restrictImports(importsOf(upper, 1)) },
    { files: [`lib/${layer}/*/*.ts`], rules: restrictImports(importsOf(upper, 2)) },
  ];
});

const authenticationRules = LAYERS_OF_AUTHENTICATION.map((layer, level) => ({
  files: [`lib/authentication/${layer}/*.ts`],
  rules: restrictImports([
    ...importsOf([...LAYERS.slice(LAYERS.indexOf('authentication') + 1), ...OUTSIDE], 2),
    ...(level + 1 < LAYERS_OF_AUTHENTICATION.length ? importsOf(LAYERS_OF_AUTHENTICATION.slice(level + 1), 1) : []),
  ]),
}));

/** The decision must stay a pure function of plain data. */
const PURE = {
  patterns: [
    {
      group: ['@nestjs/*', '@clerk/*', 'jose', 'node:*'],
      allowTypeImports: true,
      message: 'The decision is pure: neither Nest, nor Clerk, nor I/O at run time.',
    },
  ],
};

const ONLY_ENTRIES = 'The command may only use what users can import: the entries index.js and testing/index.js.';

/** Files inside Nest's packages, which are not public. */
const NEST_INTERNALS = ['@nestjs/common/*', '@nestjs/core/*'];

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
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: NEST_INTERNALS, message: 'Import package roots only.' }] },
      ],
    },
  },
  ...layerRules,
  ...authenticationRules,
  {
    files: [
      'lib/policy/{applicability,authentication-denial,authorize,compile-policy,conditions,decide,decision,policy-problems,requirement,route-policy}.ts',
    ],
    rules: restrictImports(importsOf(LAYERS.slice(LAYERS.indexOf('policy') + 1), 1), PURE),
  },
  {
    // The local Clerk is independent: the core does not import it, nor it the core.
    files: ['lib/testing/local-clerk/**/*.ts'],
    rules: restrictImports(
      [
        {
          group: [
            ...[...LAYERS, 'types', 'cli'].map((layer) => `**/${layer}/**`),
            '**/index.js',
            '**/clerk.module*.js',
          ],
          message: POINTS_UPWARD,
        },
      ],
      {
        patterns: [
          {
            group: [
              'test-auth-objects',
              'placeholder-options',
              'protection-snapshot',
              'test-caller',
              'testing.error',
            ].map((name) => `**/${name}.js`),
            message:
              'This import points upward: the local Clerk does not depend on the core, but these files do. See ARCHITECTURE.md.',
          },
        ],
      },
    ),
  },
  {
    // The testing helpers may import all of the core, but not the command, which is above them.
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
    // The command may only import the two entries, as users can.
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
    // Tests pass invalid values on purpose.
    files: ['test/**/*.ts', 'sample/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    // jest loads its runner and sequencer by require(). As ES modules, they would be loaded twice.
    files: ['test/mutation/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // These tests are about the reference line.
    files: ['test/types/**/*.ts'],
    rules: { '@typescript-eslint/triple-slash-reference': 'off' },
  },
);
