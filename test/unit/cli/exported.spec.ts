import 'reflect-metadata';

import { join } from 'node:path';

import { Module } from '@nestjs/common';

import { absolutePathOf, exportsOf, selectExport } from '../../../lib/cli/exported.js';

const FOLDER = join(__dirname, '../../support/cli');

describe('absolutePathOf()', () => {
  const io = { cwd: FOLDER } as never;

  it.each(['several.mjs', './several.mjs', join(FOLDER, 'several.mjs')])('finds the file %s', (file) => {
    expect(absolutePathOf(file, io)).toBe(join(FOLDER, 'several.mjs'));
  });

  it.each(['app.ts', 'app.tsx', 'app.mts', 'app.cts', 'app.d.ts'])('throws for the TypeScript file %s', (file) => {
    expect(() => absolutePathOf(file, io)).toThrow(
      `${file} is TypeScript, and nest-clerk reads compiled JavaScript. Build first, then name the JavaScript file, such as dist/app.module.js.`,
    );
  });

  it.each(['nowhere.js', '.', 'app.tss', 'app.xts', 'app.ts.js'])('throws for %s, which is no file', (file) => {
    expect(() => absolutePathOf(file, io)).toThrow(
      `There is no file ${join(FOLDER, file)}. Name a compiled one, such as dist/app.module.js, relative to the current folder. If it does not exist yet, build first.`,
    );
  });
});

describe('selectExport()', () => {
  @Module({ imports: [] })
  class AppModule {}
  @Module({ providers: [] })
  class Other {}
  class Plain {}
  const createApp = () => 'of no class';

  it.each<[object, string | undefined, object]>([
    [{ AppModule }, undefined, { module: AppModule }],
    [{ AppModule, Plain, createApp, text: 'x' }, undefined, { module: AppModule }],
    [{ default: Other, AppModule }, undefined, { module: Other }],
    [{ default: createApp, AppModule }, undefined, { createApp }],
    [{ AppModule, Other }, 'Other', { module: Other }],
    [{ default: Other, AppModule }, 'AppModule', { module: AppModule }],
    [{ AppModule, createApp }, 'createApp', { createApp }],
    [{ default: Plain, AppModule }, undefined, { module: AppModule }],
  ])('of %p and the export name %p returns %p', (loaded, name, expected) => {
    expect(selectExport(loaded, 'app.js', name)).toEqual(expected);
  });

  it.each(['imports', 'providers', 'controllers', 'exports'])('recognizes a module by its metadata %s', (property) => {
    @Module({ [property]: [] })
    class Small {}
    expect(selectExport({ Small }, 'app.js')).toEqual({ module: Small });
  });

  it.each<[object, string | undefined, string]>([
    [
      { AppModule, Plain },
      'Plain',
      'Plain of app.js is neither a class with @Module() nor a function that returns the application. It exports AppModule, Plain.',
    ],
    [
      { text: 'x' },
      'text',
      'text of app.js is neither a class with @Module() nor a function that returns the application. It exports text.',
    ],
    [{ AppModule }, 'toString', 'app.js does not export toString. It exports AppModule.'],
    [{}, 'AppModule', 'app.js does not export AppModule. It exports nothing.'],
    [
      { AppModule, Other },
      undefined,
      'app.js exports several modules, AppModule, Other: name the root module with --export, as in --export AppModule.',
    ],
    [
      { createApp, Plain },
      undefined,
      'app.js exports no module. Name the file of the root module, or name the function that returns the application with --export. It exports createApp, Plain.',
    ],
    [
      { default: {} },
      undefined,
      'app.js exports no module. Name the file of the root module, or name the function that returns the application with --export. It exports nothing.',
    ],
  ])('of %p and the export name %p throws: %s', (loaded, name, sentence) => {
    expect(() => selectExport(loaded, 'app.js', name)).toThrow(new Error(sentence));
  });
});

describe('exportsOf()', () => {
  class AppModule {}
  class Other {}

  it.each<[string, object, object]>([
    ['an ES module', { default: AppModule, Other }, { default: AppModule, Other }],
    [
      'CommonJS whose export names Node detects',
      { AppModule, default: { AppModule }, 'module.exports': { AppModule } },
      { AppModule },
    ],
    ['CommonJS whose export names Node does not detect', { default: { AppModule } }, { AppModule }],
    ['CommonJS that exports nothing', { default: null, Other }, { default: null, Other }],
    ['a module with undefined exports', { default: undefined, AppModule: undefined, Other }, { Other }],
    [
      'CommonJS with a default export, as compiled by TypeScript',
      { __esModule: true, default: { __esModule: true, default: AppModule, Other } },
      { default: AppModule, Other },
    ],
  ])('returns the exports of %s', (_, loaded, expected) => {
    expect(exportsOf(loaded)).toEqual(expected);
  });
});
