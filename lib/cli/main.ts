#!/usr/bin/env node
// Must be loaded before the application, whose decorators use it.
import 'reflect-metadata';

import { pathToFileURL } from 'node:url';

import { run } from './run.js';

// Standard output is for the map only, but libraries such as dotenv write to it when they are loaded.
const writeOut = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

// Background work of the application, such as a connection, may fail without ending the command. Errors that affect the map
// are reported where they are awaited.
process.on('unhandledRejection', () => undefined);

let isDone = false;
process.once('exit', () => {
  if (isDone) return;
  process.stderr.write('The application has ended the process, or waits for something that never completes.\n');
  process.exitCode = 1;
});

void run(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  out: (line) => void writeOut(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  load: (file) => import(pathToFileURL(file).href),
}).then((exitCode) => {
  isDone = true;
  // Exit explicitly, since timers and connections of the application would keep the process alive. Flush the output first.
  process.stderr.write('', () => writeOut('', () => process.exit(exitCode)));
});
