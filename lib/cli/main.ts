#!/usr/bin/env node
// Before anything of the application is loaded: its decorators write with it.
import 'reflect-metadata';

import { pathToFileURL } from 'node:url';

import { run } from './run.js';

void run(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  load: (file) => import(pathToFileURL(file).href),
}).then((exitCode) => {
  // Applications leave timers and connections behind, which must not keep the command; what is written is let out first.
  process.stderr.write('', () => process.stdout.write('', () => process.exit(exitCode)));
});
