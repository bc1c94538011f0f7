import tseslint from 'typescript-eslint';

/**
 * The rooms of lib/, from the ground up. A room may use those before it, never those behind it.
 * The story behind the order stands in ARCHITECTURE.md.
 */
const ROOMS = ['errors', 'options', 'client', 'authentication', 'policy', 'transports', 'decorators', 'guard'];

/** The entry files of lib/ compose all rooms; nothing below may use them. */
const ENTRY_FILES = ['**/index.js', '**/clerk.module.js', '**/clerk.module-definition.js'];

/** `no-restricted-imports` of one room: no arrow that climbs, and whatever else the room must not know. */
function imports(forbiddenRooms, { paths = [], patterns = [] } = {}) {
  const climbing = forbiddenRooms.map((room) => `**/${room}/**`);
  return {
    'no-restricted-imports': 'off',
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        paths,
        patterns: [
          {
            group: [...climbing, ...ENTRY_FILES],
            message: 'This arrow climbs: a room of lib/ only uses the rooms below it. See ARCHITECTURE.md.',
          },
          ...patterns,
        ],
      },
    ],
  };
}

const roomRules = ROOMS.map((room, floor) => ({
  files: [`lib/${room}/**/*.ts`],
  rules: imports([...ROOMS.slice(floor + 1), 'testing', 'types']),
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

/** Each package that only some part of lib/ may know. */
const ONLY_ROOTS = ['@nestjs/common/*', '@nestjs/core/*'];

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'coverage/', 'test/packed/src/'] },
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
  ...roomRules,
  {
    files: ['lib/policy/{decide,compile-policy,policy-problems,route-policy,requirement}.ts'],
    rules: imports(ROOMS.slice(ROOMS.indexOf('policy') + 1), PURE),
  },
  {
    // Stands alone: the core never imports it, and it imports nothing of the core.
    files: ['lib/testing/local-clerk/**/*.ts'],
    rules: imports([...ROOMS, 'types'], {
      patterns: [
        {
          group: ['auth-objects', 'made-up-options', 'test-caller', 'testing.error'].map((name) => `**/${name}.js`),
          message: 'This arrow climbs: the local Clerk stands alone, and these know the core. See ARCHITECTURE.md.',
        },
      ],
    }),
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
    // The reference line is the thing under test.
    files: ['test/types/**/*.ts'],
    rules: { '@typescript-eslint/triple-slash-reference': 'off' },
  },
);
