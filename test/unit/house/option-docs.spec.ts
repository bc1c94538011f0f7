import { join } from 'node:path';

import ts from 'typescript';

import type { OptionRow } from '../../../lib/options/option-row.js';
import { OPTION_ROWS } from '../../../lib/options/option-table.js';

/** The options that editors offer for `ClerkModule.forRoot({ … })`, with their documentation. */
function documentedOptions(): ReadonlyMap<string, { readonly text: string; readonly default: string | undefined }> {
  const file = join(__dirname, '../../../lib/clerk.module.ts');
  const { options } = ts.getParsedCommandLineOfConfigFile(
    join(__dirname, '../../../tsconfig.json'),
    {},
    // Nothing of the configuration can be unrecoverable: the type check uses it too.
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  )!;
  const program = ts.createProgram([file], { ...options, types: [] });
  const checker = program.getTypeChecker();
  const [module] = checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!)
    .filter(({ name }) => name === 'ClerkModule');
  const forRoot = checker.getTypeOfSymbol(module!).getProperty('forRoot')!;
  const [parameter] = checker.getTypeOfSymbol(forRoot).getCallSignatures()[0]!.getParameters();
  const properties = checker.getNonNullableType(checker.getTypeOfSymbol(parameter!)).getProperties();
  return new Map(
    properties.map((property) => {
      const tag = property.getJsDocTags(checker).find(({ name }) => name === 'default');
      const text = ts.displayPartsToString(property.getDocumentationComment(checker));
      return [property.name, { text, default: tag && ts.displayPartsToString(tag.text) }];
    }),
  );
}

/** The `@default` of a row: its variable, its default, or both. */
function defaultOf({ env, default: value }: OptionRow): string | undefined {
  const literal = typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
  return [env && `process.env.${env}`, literal].filter((part) => part !== undefined).join(', else ') || undefined;
}

describe('the documentation that editors show for the options of ClerkModule.forRoot()', () => {
  const documented = documentedOptions();

  it('covers exactly the options of the table, isGlobal and guard', () => {
    expect([...documented.keys()].toSorted()).toEqual(
      [...OPTION_ROWS.map(([name]) => name), 'isGlobal', 'guard'].toSorted(),
    );
  });

  it.each([...documented])('explains %s', (_, { text }) => {
    expect(text).toMatch(/\w+ \w+.*\.$/s);
  });

  it.each(OPTION_ROWS.filter(([name]) => name !== 'graphql'))(
    'states the environment variable and the default of %s as in its row',
    (name, row) => {
      expect(documented.get(name)!.default).toBe(defaultOf(row));
    },
  );

  it.each(['isGlobal', 'guard'])('states that %s is true by default', (name) => {
    expect(documented.get(name)!.default).toBe('true');
  });
});
