import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { ESLint, type Linter } from 'eslint';

const root = join(__dirname, '../../..');
// Passed as a value, since ESLint would import the file in a way that jest does not support.
const { default: overrideConfig } = jest.requireActual<{ default: Linter.Config[] }>('../../../eslint.config.js');
const eslint = new ESLint({ cwd: root, overrideConfigFile: true, overrideConfig });

/** The lint errors for an import in an existing file of lib/. */
async function violations(file: string, line: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${line}\n`, { filePath: join(root, file) });
  return result!.messages
    .filter(({ ruleId }) => ruleId?.endsWith('no-restricted-imports'))
    .map(({ message }) => message);
}

describe('the layers of lib/', () => {
  it.each([
    ['lib/errors/denial.ts', '../policy/decide.js'],
    ['lib/options/clerk-options.ts', '../client/clerk-client.service.js'],
    ['lib/client/clerk-client.service.ts', '../authentication/lanes/authenticator.js'],
    ['lib/authentication/lanes/authenticator.ts', '../../policy/route-policy.js'],
    ['lib/authentication/identity/identity.ts', '../lanes/authenticator.js'],
    ['lib/authentication/keys/key-set.ts', '../cache/verification-cache.js'],
    ['lib/authentication/lanes/authenticator.ts', '../instances/clerk-instance.js'],
    ['lib/policy/decide.ts', '../transports/transport.js'],
    ['lib/transports/transport.ts', '../decorators/auth.decorator.js'],
    ['lib/transports/graphql/graphql.transport.ts', '../../http/clerk.middleware.js'],
    ['lib/connections/stream-expiry.ts', '../guard/clerk.guard.js'],
    ['lib/guard/clerk.guard.ts', '../filters/clerk-api-exception.filter.js'],
    ['lib/decorators/auth.decorator.ts', '../guard/clerk.guard.js'],
    ['lib/guard/clerk.guard.ts', '../clerk.module.js'],
    ['lib/guard/clerk.guard.ts', '../index.js'],
    ['lib/guard/clerk.guard.ts', '../testing/index.js'],
    ['lib/guard/clerk.guard.ts', '../http/require-clerk.js'],
    ['lib/guard/clerk.guard.ts', '../protection-map/protection-map.js'],
    ['lib/http/require-clerk.ts', '../protection-map/protection-map.js'],
    ['lib/protection-map/protection-map.ts', '../cli/run.js'],
    ['lib/testing/local-clerk/local-clerk.ts', '../../errors/clerk.errors.js'],
    ['lib/testing/local-clerk/local-clerk.ts', '../test-caller.js'],
  ])('do not allow %s to import %s', async (file, target) => {
    expect(await violations(file, `export * from '${target}';`)).toEqual([
      expect.stringContaining('This import points upward'),
    ]);
  });

  it('allow imports from lower layers', async () => {
    expect(await violations('lib/guard/clerk.guard.ts', "export * from '../policy/decide.js';")).toEqual([]);
    const operation = "export * from '../http/web-request.js';";
    expect(await violations('lib/transports/graphql/graphql.operation.ts', operation)).toEqual([]);
  });

  it('allow the command to import only the public entry points', async () => {
    expect(await violations('lib/cli/run.ts', "export * from '../index.js';")).toEqual([]);
    expect(await violations('lib/cli/run.ts', "export * from '../policy/decide.js';")).toEqual([
      expect.stringContaining('what users can import'),
    ]);
  });

  it.each(['@nestjs/common', '@clerk/backend/internal', 'node:crypto'])(
    'do not allow the pure files of policy/ to import %s, except types',
    async (name) => {
      for (const file of ['decide', 'authentication-denial', 'compile-policy', 'conditions']) {
        expect(await violations(`lib/policy/${file}.ts`, `export { x } from '${name}';`)).toEqual([
          expect.stringContaining('The decision is pure'),
        ]);
        expect(await violations(`lib/policy/${file}.ts`, `import type { x } from '${name}';`)).toEqual([]);
      }
    },
  );

  it('have no circular imports', () => {
    const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.ts$/.test(name),
    );
    const importsOf = new Map(
      files.map((file) => {
        const specifiers = readFileSync(join(root, 'lib', file), 'utf8').matchAll(/ from '(\.[^']+)\.js'/g);
        return [file, [...specifiers].map(([, path]) => `${join(dirname(file), path!)}.ts`)] as const;
      }),
    );
    const done = new Set<string>();
    const circleFrom = (file: string, way: readonly string[]): readonly string[] | undefined => {
      if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
      if (done.has(file)) return undefined;
      const circle = importsOf
        .get(file)!
        .reduce<readonly string[] | undefined>(
          (found, target) => found ?? circleFrom(target, [...way, file]),
          undefined,
        );
      done.add(file);
      return circle;
    };
    expect(files.flatMap((file) => circleFrom(file, []) ?? [])).toEqual([]);
  });

  it('have no two files with the same base name', () => {
    const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.ts$/.test(name),
    );
    const names = files.map((file) => basename(file)).filter((name) => name !== 'index.ts');
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('are all listed in the ESLint configuration', () => {
    const layers = readdirSync(join(root, 'lib'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const config = readFileSync(join(root, 'eslint.config.js'), 'utf8');
    for (const { name } of layers) expect(config).toContain(`'${name}'`);
  });
});
