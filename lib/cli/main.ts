#!/usr/bin/env node
// Before anything of the application is loaded: its decorators write with it.
import 'reflect-metadata';

import { pathToFileURL } from 'node:url';

import { run } from './run.js';

// What the application begins in the background, such as a connection, may fail without ending the command: what it is
// made of fails where it is awaited.
process.on('unhandledRejection', () => undefined);

// Where something that the application waits for never comes, and nothing is left to do.
process.exitCode = 1;
process.once('beforeExit', () => {
  process.stderr.write('The application does not start: something that it waits for never answers.\n');
});

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
