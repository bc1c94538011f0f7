import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { defaultFile } from '../../../lib/cli/default-file.js';

describe('defaultFile()', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nest-clerk-default-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Writes files by path: strings as they are, objects as JSON. */
  function write(files: Record<string, string | object>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
    }
  }

  const compiled = (outDir: string) => ({ compilerOptions: { outDir } });
  const MONOREPO = {
    monorepo: true,
    root: 'apps/shop',
    sourceRoot: 'apps/shop/src',
    compilerOptions: { tsConfigPath: 'apps/shop/tsconfig.app.json' },
    projects: {
      shop: {
        type: 'application',
        root: 'apps/shop',
        compilerOptions: { tsConfigPath: 'apps/shop/tsconfig.app.json' },
      },
      common: { type: 'library', root: 'libs/common' },
      admin: { type: 'application', root: 'apps/admin' },
    },
  };

  it.each<[string, Record<string, string | object>, string]>([
    ['dist', {}, 'dist/app.module.js'],
    ['the source folder below dist', {}, 'dist/src/app.module.js'],
    ['another source folder below dist', { 'nest-cli.json': { sourceRoot: 'server' } }, 'dist/server/app.module.js'],
    ['outDir of tsconfig.json', { 'tsconfig.json': compiled('./out') }, 'out/app.module.js'],
    [
      'outDir of a tsconfig.json with comments',
      { 'tsconfig.json': '{\n  // "outDir": "old",\n  "compilerOptions": { "outDir": "new", /* last */ },\n}' },
      'new/app.module.js',
    ],
    [
      'outDir of the file that tsconfig.build.json extends',
      { 'tsconfig.build.json': { extends: './config/base' }, 'config/base.json': compiled('../out') },
      'out/app.module.js',
    ],
    [
      'outDir of the tsconfig that nest-cli.json names',
      {
        'nest-cli.json': { compilerOptions: { tsConfigPath: 'config/tsconfig.json' } },
        'config/tsconfig.json': compiled('../out'),
      },
      'out/app.module.js',
    ],
    ['dist if nest-cli.json is not valid JSON', { 'nest-cli.json': '{ nothing' }, 'dist/app.module.js'],
    ['dist if nest-cli.json is null', { 'nest-cli.json': 'null' }, 'dist/app.module.js'],
    ['dist/apps of a monorepo', { 'nest-cli.json': MONOREPO }, 'dist/apps/admin/app.module.js'],
    ['the source folder in dist/apps of a monorepo', { 'nest-cli.json': MONOREPO }, 'dist/apps/shop/src/app.module.js'],
    [
      'outDir of a project of a monorepo',
      { 'nest-cli.json': MONOREPO, 'apps/shop/tsconfig.app.json': compiled('../../build/shop') },
      'build/shop/app.module.js',
    ],
  ])('finds the compiled root module in %s', (_, files, expected) => {
    write({ ...files, [expected]: '' });
    expect(defaultFile(folder)).toBe(expected);
  });

  it('throws an error with the searched paths if there is no root module', () => {
    write({ 'tsconfig.json': compiled('out') });
    expect(() => defaultFile(folder)).toThrow(
      'No compiled root module was found. Build first, or name its file. Looked for out/app.module.js, out/src/app.module.js, dist/app.module.js, dist/src/app.module.js.',
    );
  });

  it('throws an error with all root modules if several applications of a monorepo are built', () => {
    write({ 'nest-cli.json': MONOREPO, 'dist/apps/shop/app.module.js': '', 'dist/apps/admin/app.module.js': '' });
    expect(() => defaultFile(folder)).toThrow(
      'Several root modules were found: dist/apps/shop/app.module.js, dist/apps/admin/app.module.js. Name one of them, as in npx nest-clerk routes dist/apps/shop/app.module.js.',
    );
  });

  it('ends for a tsconfig that extends itself', () => {
    write({ 'tsconfig.json': { extends: './tsconfig.json' }, 'dist/app.module.js': '' });
    expect(defaultFile(folder)).toBe('dist/app.module.js');
  });
});
